import type { LogEntry } from '@temporalio/worker';
import type { Logger } from '../src/observability/logging';

/** Our names of what the SDK says of a line; the rest keeps its own. */
const NAMES: Readonly<Record<string, string>> = {
  activityType: 'activity',
  taskQueue: 'taskQueue',
  sdkComponent: 'component',
};
/** Of what is there already, or says nothing to a reader. */
const LEFT_OUT: ReadonlySet<string> = new Set(['namespace', 'isLocal', 'activityId', 'taskToken']);

/** What workflows and the SDK itself have to say, as lines of ours. */
export const logThrough =
  (logger: Logger) =>
  ({ level, message, meta = {} }: LogEntry): void => {
    const fields: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(meta)) {
      if (LEFT_OUT.has(key)) continue;
      fields[NAMES[key] ?? key] = value instanceof Error ? (value.stack ?? value.message) : value;
    }
    const write = level === 'TRACE' ? 'debug' : (level.toLowerCase() as 'debug' | 'info' | 'warn' | 'error');
    logger[write](fields, message);
  };
