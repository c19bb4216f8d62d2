import { MEDIA_TYPES, STEPS, type StandardisedPart } from '../contracts';
import { encodeNdjson } from '../foundation';
import type { Chemistry } from '../chemistry';
import type { ObjectStore, StepCache, StepOutcome } from '../objects';
import type { Lanes } from './concurrency';
import { orCancelled } from './concurrency';
import type { RecordReader } from './record-reader';
import { BATCH_ROWS, standardiseBatch } from './standardise-batch';
import { partKey, type StandardiseInputs } from './step-keys';

/** Batches with chemistry at once: its threads never wait for the next one to be read. */
export const BATCHES_IN_FLIGHT = 3;

export interface PartContext {
  readonly inputs: StandardiseInputs;
  readonly objects: Pick<ObjectStore, 'put'>;
  readonly steps: StepCache;
  readonly chemistry: Pick<Chemistry, 'standardise'>;
  /** Shared by all parts under way; bounds the memory. */
  readonly lanes: Lanes;
  readonly signal?: AbortSignal;
  /** Rows of the part that have been standardised just now. */
  readonly onRows?: (rows: number) => void;
}

interface EncodedBatch {
  readonly rows: Buffer;
  readonly quarantine: Buffer;
  readonly accepted: number;
  readonly quarantined: number;
}

/**
 * One part of a source as a cached step: takes the next `partRows` records (all that are left, at the end) off the reader,
 * unless the part is recorded already.
 * @param part 0-based
 * @param onRead called when the part needs no more records; the reader then stands at the next part. Never called when the
 *   part was found, or failed, before that.
 */
export function standardisePart(
  context: PartContext,
  part: number,
  reader: RecordReader,
  onRead: () => void,
): Promise<StepOutcome<StandardisedPart>> {
  const { inputs, steps } = context;
  return steps.run(STEPS.standardisePart, partKey(inputs, part), () => computePart(context, reader, onRead));
}

async function computePart(
  context: PartContext,
  reader: RecordReader,
  onRead: () => void,
): Promise<StandardisedPart> {
  const { inputs, objects, lanes, signal, onRows } = context;
  const batches: Promise<EncodedBatch>[] = [];
  let failed = false;
  for (let left = inputs.partRows; left > 0 && !failed && !signal?.aborted;) {
    const release = await lanes.acquire();
    const records = await reader.take(Math.min(BATCH_ROWS, left)).catch((error: unknown) => {
      release();
      throw error;
    });
    left -= records.length;
    if (records.length === 0) {
      release();
      break;
    }
    const batch = standardiseBatch(records, { ...inputs, chemistry: context.chemistry })
      .then(({ rows, quarantine }) => ({
        rows: encodeNdjson(rows),
        quarantine: encodeNdjson(quarantine),
        accepted: rows.length,
        quarantined: quarantine.length,
      }))
      .finally(release);
    batch.then(
      ({ accepted, quarantined }) => onRows?.(accepted + quarantined),
      () => (failed = true),
    );
    batches.push(batch);
  }
  if (!failed) onRead();

  const done = await orCancelled(Promise.all(batches), signal, inputs.source.uri);
  const [rows, quarantine] = await Promise.all([
    objects.put(Buffer.concat(done.map((batch) => batch.rows)), MEDIA_TYPES.ndjson),
    objects.put(Buffer.concat(done.map((batch) => batch.quarantine)), MEDIA_TYPES.ndjson),
  ]);
  const sum = (key: 'accepted' | 'quarantined') => done.reduce((total, batch) => total + batch[key], 0);
  return { rows, quarantine, accepted: sum('accepted'), quarantined: sum('quarantined') };
}
