import type { BatchSheet, LabResult, RoundRecord } from '../../../src/contracts';
import { emptySample, type ColumnState, type DriftSample } from '../../../src/drift';
import type { ObjectStore } from '../../../src/objects';
import type { ResolvedResult } from '../../../src/warehouse';

/** A batch with what its laboratory said of it. */
export interface ReturnedBatch {
  readonly round: number;
  readonly sheet: BatchSheet;
  readonly sample: DriftSample;
}

const asJson = <T>(bytes: Buffer): T => JSON.parse(bytes.toString('utf8')) as T;
const EXAMPLES = 3;

/** Rows that intake refused, as they were posted, with the reason. */
async function refusedRows(
  objects: ObjectStore,
  campaignId: string,
): Promise<{ row: Partial<LabResult>; message: string }[]> {
  const refused: { row: Partial<LabResult>; message: string }[] = [];
  for (const key of await objects.listRecords(`campaigns/${campaignId}/rejected/`)) {
    const entries = asJson<{ row: unknown; receipt: { message?: string } }[]>(
      (await objects.readRecord(key))!,
    );
    for (const { row, receipt } of entries)
      if (row !== null && typeof row === 'object') refused.push({ row, message: receipt.message ?? '' });
  }
  return refused;
}

/** How the rows of a batch arrived: those that intake refused could not be read. */
function columnsOf(accepted: number, refused: readonly { message: string }[]): ColumnState[] {
  const examples = refused.slice(0, EXAMPLES).map(({ message }) => message);
  const rows = accepted + refused.length;
  return [{ name: 'results', present: true, rows, missing: 0, unreadable: refused.length, examples }];
}

/** One row a molecule and plate: the mean of what was measured there, beside what was predicted when it was picked. */
function rowsOf(sheet: BatchSheet, results: readonly ResolvedResult[]) {
  const picks = new Map(sheet.picks.map((pick) => [pick.moleculeId, pick]));
  const groups = new Map<string, ResolvedResult[]>();
  for (const result of results) {
    const { moleculeId, batchId, outcome, qualifier, property, plate = '' } = result;
    const isOfBatch = picks.has(moleculeId) && (batchId === undefined || batchId === sheet.batchId);
    if (!isOfBatch || property !== undefined || outcome !== 'measured' || qualifier !== '=') continue;
    const key = `${moleculeId}\0${plate}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()].map((measured) => ({
    pick: picks.get(measured[0]!.moleculeId)!,
    plate: measured[0]!.plate ?? null,
    lab: measured[0]!.lab ?? null,
    value: measured.reduce((sum, { value }) => sum + value! / measured.length, 0),
  }));
}

/**
 * A batch as a sample: measured values beside what was predicted when it was picked. Nothing of its molecules, which were chosen to be
 * unlike the pool.
 */
export async function returnedBatch(
  objects: ObjectStore,
  campaignId: string,
  { summary, sheet: ref }: RoundRecord,
  results: readonly ResolvedResult[],
): Promise<ReturnedBatch | null> {
  if (!ref) return null;
  const sheet = asJson<BatchSheet>(await objects.get(ref));
  const rows = rowsOf(sheet, results);
  const ids = new Set(sheet.picks.map(({ moleculeId }) => moleculeId));
  const refused = (await refusedRows(objects, campaignId)).filter(({ row }) =>
    row.batchId === undefined ? ids.has(row.moleculeId ?? '') : row.batchId === sheet.batchId,
  );
  const sample: DriftSample = {
    ...emptySample,
    rows: rows.length,
    smiles: rows.map(({ pick }) => pick.smiles),
    predicted: Float64Array.from(rows, ({ pick }) => pick.predicted ?? NaN),
    deviation: Float64Array.from(rows, ({ pick }) => pick.standardDeviation ?? NaN),
    observed: Float64Array.from(rows, ({ value }) => value),
    plates: rows.some(({ plate }) => plate !== null) ? rows.map(({ plate }) => plate) : null,
    labs: rows.some(({ lab }) => lab !== null) ? rows.map(({ lab }) => lab) : null,
    columns: columnsOf(rows.length, refused),
  };
  return { round: summary.round, sheet, sample };
}
