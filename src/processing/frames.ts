import { Readable } from 'node:stream';
import { MEDIA_TYPES, TitrateError, type ArtifactRef } from '../contracts';
import { encodeNdjson } from '../foundation';
import type { ObjectStore } from '../objects';
import type { SourceRecord } from '../sources';
import { ndjsonLines } from './ndjson-lines';
import type { RecordReader } from './record-reader';
import { BATCH_ROWS, MAX_RAW_CHARACTERS } from './standardise-batch';

/** The records of one part as an object: NDJSON of SourceRecord. */
export interface Frame {
  readonly frame: ArtifactRef;
  readonly records: number;
}

/**
 * Writes the next `limit` records (all that are left, at the end) as a frame into the temporary area: nobody needs it once its
 * part is standardised. Flat memory.
 */
export async function writeFrame(
  objects: Pick<ObjectStore, 'land'>,
  reader: RecordReader,
  limit: number,
): Promise<Frame> {
  let records = 0;
  async function* encoded(): AsyncGenerator<Buffer> {
    while (records < limit) {
      const batch = await reader.take(Math.min(BATCH_ROWS, limit - records));
      if (batch.length === 0) return;
      records += batch.length;
      yield encodeNdjson(
        batch.map((record) => ({ ...record, raw: record.raw.slice(0, MAX_RAW_CHARACTERS) })),
      );
    }
  }
  const frame = await objects.land(Readable.from(encoded()), MEDIA_TYPES.ndjson);
  return { frame, records };
}

/**
 * Records of a frame. The last one comes out after the end of the stream has been seen, which is when the store has verified the
 * bytes: whoever counts to the last record has read nothing false.
 * @throws TitrateError artifact-corrupt, artifact-missing.
 */
export async function* readFrame(
  objects: Pick<ObjectStore, 'openRead'>,
  { frame, records }: Frame,
): AsyncGenerator<SourceRecord> {
  const stream = await objects.openRead(frame);
  let count = 0;
  let held: SourceRecord | undefined;
  try {
    for await (const line of ndjsonLines(stream)) {
      if (held) yield held;
      held = JSON.parse(line) as SourceRecord;
      count++;
    }
  } finally {
    stream.destroy();
  }
  if (count !== records) {
    throw new TitrateError('artifact-corrupt', {
      what: `the frame holds ${count} records, and should hold ${records}`,
      where: frame.uri,
      remedy: 'Run the ingest again: frames are written anew',
    });
  }
  if (held) yield held;
}
