import { ambient, withAmbient, type LogContext } from '../ambient';

export type { LogContext };

/** Runs `work` so that every line logged in it, also after it has awaited something, says whose work it is about. */
export const withLogContext = <T>(context: LogContext, work: () => T): T =>
  withAmbient({ logged: { ...ambient().logged, ...context } }, work);

/** Of the work that is going on here; empty outside of any. */
export const logContext = (): LogContext => ambient().logged ?? {};
