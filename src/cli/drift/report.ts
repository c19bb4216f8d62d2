import type { DriftLook } from '../../contracts';

/** A row that cannot be used, or a cell of it; `line` as in the file, from 1. */
export interface RowProblem {
  readonly line: number;
  readonly message: string;
}

/** The verdict on one window; `from` and `to` count the rows of the stream from 1, bad ones with them. */
export interface WindowReport extends DriftLook {
  readonly window: number;
  readonly from: number;
  readonly to: number;
  /** Molecules that could be looked at. */
  readonly rows: number;
}

/** What `titrate drift --json` prints. */
export interface DriftReport {
  readonly reference: string;
  readonly stream: string;
  readonly model: string | null;
  readonly windowRows: number;
  readonly referenceRows: number;
  /** Rows of the stream, bad ones with them. */
  readonly rows: number;
  /** Circumstances that a reader of the verdicts should know of. */
  readonly notes: readonly string[];
  readonly problems: { readonly reference: readonly RowProblem[]; readonly stream: readonly RowProblem[] };
  readonly windows: readonly WindowReport[];
}
