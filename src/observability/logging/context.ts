import { ambient, withAmbient } from '../ambient';

/** Whose work a line is about. */
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

/** Runs `work` so that every line logged in it, also after it has awaited something, says whose work it is about. */
export const withLogContext = <T>(context: LogContext, work: () => T): T =>
  withAmbient({ logged: { ...ambient().logged, ...context } }, work);

/** Of the work that is going on here; empty outside of any. */
export const logContext = (): LogContext => ambient().logged ?? {};
