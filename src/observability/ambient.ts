import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from '@opentelemetry/api';

/** Whose work a log line is about. */
export interface LogContext {
  readonly campaign?: string;
  readonly round?: number;
  /** The stage of the round, or the step. */
  readonly step?: string;
  readonly activity?: string;
  readonly attempt?: number;
  readonly workflowId?: string;
  readonly runId?: string;
}

/** What goes along with asynchronous work. */
export interface Ambient {
  /** OpenTelemetry's active context. */
  readonly traced?: Context;
  /** Whose work log lines are about. */
  readonly logged?: LogContext;
}

/** One storage for both: each makes every promise of the process dearer, whether or not it carries anything. */
const storage = new AsyncLocalStorage<Ambient>();

export const ambient = (): Ambient => storage.getStore() ?? {};

/** Runs `work` with `more` beside what goes along already. */
export const withAmbient = <T>(more: Ambient, work: () => T): T =>
  storage.run({ ...storage.getStore(), ...more }, work);
