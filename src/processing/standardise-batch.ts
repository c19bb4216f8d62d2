import type { Chemistry } from '../chemistry';
import type { DatasetRow, MoleculeCaps, QuarantineRow, SourceSpec, Standardisation } from '../contracts';
import { readMeasurement } from '../measurements';
import type { SourceRecord } from '../sources';

/** Records given to chemistry at once. */
export const BATCH_ROWS = 512;
export const MAX_RAW_CHARACTERS = 2000;

export interface BatchContext {
  /** Only its mapping (columns, units, assay) counts. */
  readonly source: SourceSpec;
  /** sha256 of the raw bytes; stands in every row. */
  readonly sourceSha256: string;
  readonly caps: MoleculeCaps;
  readonly standardisation: Standardisation;
  readonly chemistry: Pick<Chemistry, 'standardise'>;
}

/** Rows of one stretch of a source, in its order; every record is in one of the two. */
export interface StandardisedBatch {
  readonly rows: readonly DatasetRow[];
  readonly quarantine: readonly QuarantineRow[];
}

type Refusal = Pick<QuarantineRow, 'reason' | 'message'>;
type Readable = Extract<SourceRecord, { ok: true }>;
type Measured = ReturnType<typeof readMeasurement>;

/** What is wrong with a record before chemistry looks at it; else its measurement. */
function readRecord(
  record: SourceRecord,
  source: SourceSpec,
): { record: Readable; measured: Extract<Measured, { ok: true }> } | Refusal {
  if (!record.ok) return record;
  if (record.structure.text.trim() === '')
    return { reason: 'molecule-empty', message: 'there is no structure' };
  const measured = readMeasurement(record, source);
  return measured.ok ? { record, measured } : measured;
}

/**
 * Standardises records of a source. A bad record is quarantined with its line, its text and the reason; it stops nothing. A record
 * whose value is bad is not shown to chemistry.
 * @throws what chemistry throws when it cannot work at all (thread-died, cancelled).
 */
export async function standardiseBatch(
  records: readonly SourceRecord[],
  { source, sourceSha256, caps, standardisation, chemistry }: BatchContext,
): Promise<StandardisedBatch> {
  const read = records.map((record) => readRecord(record, source));
  const structures = read.flatMap((each) => ('record' in each ? [each.record.structure] : []));
  const outcomes = structures.length ? await chemistry.standardise(structures, caps, standardisation) : [];

  const rows: DatasetRow[] = [];
  const quarantine: QuarantineRow[] = [];
  let at = 0;
  read.forEach((each, index) => {
    const { line, raw } = records[index]!;
    const outcome = 'record' in each ? outcomes[at++]! : { ok: false as const, ...each };
    if (!outcome.ok) {
      const { reason, message } = outcome;
      quarantine.push({ sourceSha256, line, raw: raw.slice(0, MAX_RAW_CHARACTERS), reason, message });
    } else if ('record' in each) {
      const { molecule, rawSmiles } = outcome;
      const { moleculeId, smiles, inchiKey } = molecule;
      const { compoundId } = each.record;
      const fields = each.measured.fields;
      rows.push({ moleculeId, smiles, inchiKey, rawSmiles, compoundId, ...fields, sourceSha256, line });
    }
  });
  return { rows, quarantine };
}
