import type { MoleculeCaps, SourceSpec, Standardisation } from '../contracts';
import type { Chemistry } from '../chemistry';
import { detectReading, readSource, type OpenBytes } from '../sources';
import { orCancelled } from './concurrency';
import { createRecordReader } from './record-reader';
import { checkSource } from './source-mapping';
import { BATCH_ROWS, standardiseBatch, type StandardisedBatch } from './standardise-batch';

export interface StandardiseRowsRequest {
  /** Opens the raw bytes; called once to see what they are and once to read them. */
  readonly raw: OpenBytes;
  /** A local file of the same bytes, for Parquet. */
  readonly localPath: () => Promise<string>;
  /** sha256 of the raw bytes; stands in every row. */
  readonly sourceSha256: string;
  readonly source: SourceSpec;
  readonly caps: MoleculeCaps;
  readonly standardisation: Standardisation;
  readonly chemistry: Pick<Chemistry, 'standardise'>;
  /** Rows of the source done so far, accepted or not. */
  readonly onProgress?: (rowsDone: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Standardised rows of a source, batch by batch in its order, where nothing is to be stored. Holds at most three batches of 512
 * rows in memory: one being read, two with chemistry. Every row comes out once, accepted or quarantined.
 * @throws TitrateError format-unknown, source-unreadable, column-missing, config-invalid; cancelled when `signal` fires.
 */
export async function* standardiseRows(request: StandardiseRowsRequest): AsyncGenerator<StandardisedBatch> {
  const { raw, localPath, source, signal, onProgress } = request;
  checkSource(source);
  const reading = await orCancelled(detectReading(raw, source), signal, source.uri);
  const reader = createRecordReader(readSource({ raw, localPath, source, reading }));
  let done = 0;
  const finish = async (work: Promise<StandardisedBatch>) => {
    const batch = await orCancelled(work, signal, source.uri);
    done += batch.rows.length + batch.quarantine.length;
    onProgress?.(done);
    return batch;
  };
  let ahead: Promise<StandardisedBatch> | null = null;
  try {
    for (;;) {
      const records = await orCancelled(reader.take(BATCH_ROWS), signal, source.uri);
      if (records.length === 0) break;
      const work = standardiseBatch(records, request);
      // Awaited below; until then a failure must not count as unhandled.
      work.catch(() => undefined);
      if (ahead) yield await finish(ahead);
      ahead = work;
    }
    if (ahead) yield await finish(ahead);
  } finally {
    reader.close();
  }
}
