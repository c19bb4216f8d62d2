import type { BatchSheet, DriftCause, LabResult } from '../../contracts';

/** A result of a campaign, with the molecule that it is of. */
export type DoubtableResult = LabResult & { readonly moleculeId: string };

/** What is in doubt: the values of a plate or a laboratory, of the batch that was looked at. */
export interface Doubt {
  readonly cause: DriftCause | null;
  readonly subject: string | null;
  /** Null: whatever batch they are of. */
  readonly batch: Pick<BatchSheet, 'batchId' | 'picks'> | null;
}

/**
 * Whether a result is of what is in doubt. Of the batch, for a plate of the same name may have been in an earlier one, and a
 * laboratory that is off now was right before. Where neither a plate nor a laboratory is named, everything is.
 */
export function inDoubt({ cause, subject, batch }: Doubt): (result: DoubtableResult) => boolean {
  if (cause !== 'plate-offset' && cause !== 'lab-offset') return () => true;
  const picked = batch && new Set(batch.picks.map(({ moleculeId }) => moleculeId));
  return ({ moleculeId, batchId, plate, lab }) =>
    (cause === 'plate-offset' ? plate : lab) === subject &&
    (batch === null || (picked!.has(moleculeId) && (batchId ?? batch.batchId) === batch.batchId));
}
