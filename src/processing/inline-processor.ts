import type { StandardisedPart } from '../contracts';
import type { Chemistry } from '../chemistry';
import type { ObjectStore, StepCache } from '../objects';
import { PART_ROWS, type BulkProcessor, type BulkProgress } from './bulk-processor';
import { Lanes, orCancelled } from './concurrency';
import { createRecordReader } from './record-reader';
import { BATCHES_IN_FLIGHT, standardisePart, type PartContext } from './standardise-part';
import { standardiseSource, type OpenRecords } from './standardise-source';

/** Parts begun and not yet stored; bounds what a slow store lets pile up. */
const PARTS_UNDER_WAY = 4;

export interface InlineProcessorOptions {
  readonly objects: ObjectStore;
  readonly steps: StepCache;
  /** Stays the caller's; `close` leaves it open. */
  readonly chemistry: Pick<Chemistry, 'standardise' | 'version'>;
  /** Records a part; takes part in the keys. Default PART_ROWS. */
  readonly partRows?: number;
}

/**
 * Standardises in this process: a stream from the raw bytes to the stored parts. While chemistry works on three batches of 512
 * records the next one is read, across the borders of parts too. Memory does not grow with the source (some 10 MB for rows of
 * text). A part that is recorded already costs its reading only.
 */
export function createInlineProcessor(options: InlineProcessorOptions): BulkProcessor {
  const { objects, steps, chemistry, partRows = PART_ROWS } = options;
  return {
    kind: 'inline',
    async standardise(request, { signal, onProgress } = {}) {
      const rdkit = await chemistry.version();
      return standardiseSource({ objects, steps, rdkit, partRows, signal }, request, async (inputs, open) => {
        const progress = trackProgress(request.landed.raw.bytes, onProgress);
        const context: PartContext = {
          inputs,
          objects,
          steps,
          chemistry,
          lanes: new Lanes(BATCHES_IN_FLIGHT),
          signal,
          onRows: progress.rows,
        };
        return standardiseParts(context, open, progress);
      });
    },
    async close() {},
  };
}

interface ProgressTracker {
  rows(count: number): void;
  bytes(position: number): void;
}

function trackProgress(
  totalBytes: number,
  onProgress: ((progress: BulkProgress) => void) | undefined,
): ProgressTracker {
  let rows = 0;
  let bytes: number | undefined;
  return {
    rows(count) {
      rows += count;
      onProgress?.({ rows, bytes, totalBytes });
    },
    bytes(position) {
      bytes = position;
    },
  };
}

async function standardiseParts(
  context: PartContext,
  open: OpenRecords,
  progress: ProgressTracker,
): Promise<StandardisedPart[]> {
  const { inputs, signal } = context;
  const where = inputs.source.uri;
  const reader = createRecordReader(open(progress.bytes));
  // Ends the parts under way when another one fails.
  const stop = new AbortController();
  const own = { ...context, signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal };
  const works: Promise<StandardisedPart>[] = [];
  try {
    for (let part = 0; !(await orCancelled(reader.atEnd(), signal, where)); part++) {
      let read = false;
      let onRead!: () => void;
      const reading = new Promise<void>((resolve) => (onRead = resolve)).then(() => void (read = true));
      const work = standardisePart(own, part, reader, onRead).then(({ value }) => value);
      // Looked at below, in its turn.
      work.catch(() => undefined);
      await orCancelled(Promise.race([reading, work]), signal, where);
      if (!read) {
        await orCancelled(reader.skip(inputs.partRows), signal, where);
        const { accepted, quarantined } = await work;
        progress.rows(accepted + quarantined);
      }
      works.push(work);
      if (works.length >= PARTS_UNDER_WAY) await works[works.length - PARTS_UNDER_WAY];
    }
    return await Promise.all(works);
  } catch (error) {
    stop.abort();
    throw error;
  } finally {
    reader.close();
  }
}
