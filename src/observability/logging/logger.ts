import { isSpanContextValid, trace } from '@opentelemetry/api';
import pino, { type DestinationStream } from 'pino';
import { logContext } from './context';
import { gatheredLines } from './gathered-lines';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** A line is fields and a message. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Cloud Logging's names (LogSeverity). */
const SEVERITIES: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

/** The span that is open here, so that a line leads to its trace. */
function spanIds(): { traceId?: string; spanId?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { traceId: span.traceId, spanId: span.spanId } : {};
}

/** Bytes that are kept back at most. */
const MOST_KEPT = 1 << 13;

const standardError = () => gatheredLines(pino.destination({ dest: 2, sync: true, minLength: MOST_KEPT }));

/**
 * Lines of JSON, one object each, on standard error: time (ISO 8601), level, severity (Cloud Logging's), name, message, whose work it is
 * (campaign, round, step, activity, attempt, workflowId, runId) and the open span.
 * @param name what writes: `worker gpu`, `inference`
 */
export function createLogger(
  level: LogLevel,
  name: string,
  destination: DestinationStream = standardError(),
): Logger {
  const options = {
    name,
    level,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    // The host is known to whoever collects the lines; of one machine the process is enough.
    base: { pid: process.pid, name },
    formatters: {
      level: (label: string) => ({ level: label, severity: SEVERITIES[label] ?? 'DEFAULT' }),
    },
    mixin: () => ({ ...logContext(), ...spanIds() }),
  };
  return pino(options, destination);
}
