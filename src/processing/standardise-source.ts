import { Readable } from 'node:stream';
import {
  TitrateError,
  type DatasetRow,
  type MoleculeCaps,
  type QuarantineRow,
  type SourceSpec,
} from '../contracts';
import { encodeNdjson } from '../foundation';
import type { Chemistry } from '../chemistry/chemistry';
import { readCsv } from './csv-reader';
import { parseMeasurement } from './measurement';
import { readSdf } from './sdf-reader';
import { sourceFormat } from './source-format';
import type { SourceRecord } from './source-record';
import { readLines, type RawBytes } from './text-lines';

export interface StandardiseSourceRequest {
  readonly raw: RawBytes;
  /** sha256 of the raw bytes; stands in every row. */
  readonly sourceSha256: string;
  readonly source: SourceSpec;
  readonly caps: MoleculeCaps;
  readonly chemistry: Pick<Chemistry, 'standardise'>;
  /** Rows of the source done so far, accepted or not. */
  readonly onProgress?: (rowsDone: number) => void;
  readonly signal?: AbortSignal;
}

/** Rows of one stretch of a source, in its order. */
export interface StandardisedBatch {
  readonly rows: readonly DatasetRow[];
  readonly quarantine: readonly QuarantineRow[];
}

export interface StandardisedBytes {
  /** NDJSON of DatasetRow and of QuarantineRow, in the order of the source. */
  readonly rows: Buffer;
  readonly quarantine: Buffer;
  readonly accepted: number;
  readonly quarantined: number;
  /** Up to three quarantined rows in words. */
  readonly examples: readonly string[];
}

/** Rows given to chemistry at once. */
const BATCH_ROWS = 512;
const MAX_RAW_CHARACTERS = 2000;
const MAX_EXAMPLES = 3;

function readRecords({ raw, source }: StandardiseSourceRequest): AsyncGenerator<SourceRecord> {
  const format = sourceFormat(source);
  const refuse = (what: string, remedy: string) =>
    new TitrateError('config-invalid', { what, where: source.uri, remedy });
  if (source.qualifierColumn !== undefined && source.valueColumn === undefined) {
    throw refuse(
      'qualifierColumn is set without valueColumn',
      'Set valueColumn as well, or leave qualifierColumn out',
    );
  }
  if (format === 'sdf' && source.smilesColumn !== undefined) {
    throw refuse(
      'smilesColumn is set for an SD file, whose molecules are molblocks',
      'Leave smilesColumn out',
    );
  }
  const lines = readLines(raw, source.uri);
  const wanted = {
    compoundId: source.compoundIdColumn,
    value: source.valueColumn,
    qualifier: source.qualifierColumn,
  };
  return format === 'csv'
    ? readCsv(lines, { ...wanted, smiles: source.smilesColumn }, source.uri)
    : readSdf(lines, wanted, source.uri);
}

async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length) yield batch;
}

async function standardiseBatch(
  records: readonly SourceRecord[],
  request: StandardiseSourceRequest,
): Promise<StandardisedBatch> {
  const { sourceSha256, source, caps, chemistry } = request;
  const quarantined = new Map<SourceRecord, Pick<QuarantineRow, 'reason' | 'message'>>();
  const measured = new Map<SourceRecord, { value?: number; qualifier?: DatasetRow['qualifier'] }>();
  const usable = records.filter((record) => {
    if (!record.ok) {
      quarantined.set(record, record);
      return false;
    }
    const measurement = parseMeasurement(record.value, record.qualifier);
    if (!measurement.ok) quarantined.set(record, measurement);
    else if (record.structure.text.trim() === '')
      quarantined.set(record, { reason: 'molecule-empty', message: 'there is no structure' });
    else measured.set(record, measurement);
    return measured.has(record);
  }) as Extract<SourceRecord, { ok: true }>[];

  const outcomes = usable.length
    ? await chemistry.standardise(
        usable.map((record) => record.structure),
        caps,
      )
    : [];
  const outcomeOf = new Map(usable.map((record, i) => [record as SourceRecord, outcomes[i]!]));

  const rows: DatasetRow[] = [];
  const quarantine: QuarantineRow[] = [];
  for (const record of records) {
    const outcome = outcomeOf.get(record);
    const refused = quarantined.get(record) ?? (outcome && !outcome.ok ? outcome : undefined);
    if (refused) {
      const raw = record.raw.slice(0, MAX_RAW_CHARACTERS);
      quarantine.push({
        sourceSha256,
        line: record.line,
        raw,
        reason: refused.reason,
        message: refused.message,
      });
    } else if (record.ok && outcome?.ok) {
      const { value, qualifier } = measured.get(record)!;
      rows.push({
        ...outcome.molecule,
        rawSmiles: outcome.rawSmiles,
        compoundId: record.compoundId,
        ...(value === undefined ? {} : { value, unit: source.unit, qualifier }),
        sourceSha256,
        line: record.line,
      });
    }
  }
  return { rows, quarantine };
}

function cancelled(where: string): TitrateError {
  return new TitrateError('cancelled', { what: 'reading the source was cancelled', where });
}

/** `work`, or a rejection as soon as `signal` fires. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, where: string): Promise<T> {
  if (!signal) return work;
  if (signal.aborted) throw cancelled(where);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelled(where));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort!);
  }
}

/**
 * Reads and standardises a source in batches of 512 rows, in its order, holding at most three batches in memory: one being
 * read, two with chemistry. Every row comes out once, accepted or quarantined; a bad row stops nothing.
 * @throws TitrateError format-unknown, source-unreadable, column-missing, config-invalid; cancelled when `signal` fires.
 */
export async function* standardiseRows(request: StandardiseSourceRequest): AsyncGenerator<StandardisedBatch> {
  const { source, signal, onProgress } = request;
  let done = 0;
  const finish = async (work: Promise<StandardisedBatch>) => {
    const batch = await orAborted(work, signal, source.uri);
    done += batch.rows.length + batch.quarantine.length;
    onProgress?.(done);
    return batch;
  };
  let ahead: Promise<StandardisedBatch> | null = null;
  try {
    for await (const records of inBatches(readRecords(request), BATCH_ROWS)) {
      const work = standardiseBatch(records, request);
      // Awaited below; until then a failure must not count as unhandled.
      work.catch(() => undefined);
      if (ahead) yield await finish(ahead);
      ahead = work;
    }
    if (ahead) yield await finish(ahead);
  } finally {
    // Also a stream that nobody began to read.
    if (request.raw instanceof Readable) request.raw.destroy();
  }
}

/**
 * Reads and standardises a whole source into two NDJSON buffers. Memory grows with the file; `standardiseRows` gives the same
 * rows in flat memory.
 * @throws as standardiseRows.
 */
export async function standardiseSource(request: StandardiseSourceRequest): Promise<StandardisedBytes> {
  const rows: Buffer[] = [];
  const quarantine: Buffer[] = [];
  const examples: string[] = [];
  let accepted = 0;
  let quarantined = 0;
  for await (const batch of standardiseRows(request)) {
    rows.push(encodeNdjson(batch.rows));
    quarantine.push(encodeNdjson(batch.quarantine));
    accepted += batch.rows.length;
    quarantined += batch.quarantine.length;
    for (const row of batch.quarantine.slice(0, MAX_EXAMPLES - examples.length)) {
      examples.push(`${request.source.uri}, line ${row.line}: ${row.message} (${row.reason})`);
    }
  }
  return {
    rows: Buffer.concat(rows),
    quarantine: Buffer.concat(quarantine),
    accepted,
    quarantined,
    examples,
  };
}
