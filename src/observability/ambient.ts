import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from '@opentelemetry/api';
import type { LogContext } from './logging/context';

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
