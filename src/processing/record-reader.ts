import type { SourceRecord } from '../sources';

/** A batch ends early when its records hold more text than this, UTF-16 units: SD files may have records of a megabyte. */
const BATCH_CHARACTERS = 4 << 20;

/** Takes records off a stream in batches of bounded size. One call at a time. */
export interface RecordReader {
  /** The next records: at most `limit`, fewer where they are long; none at the end. */
  take(limit: number): Promise<SourceRecord[]>;
  /** Reads past records. @returns how many there were, at most `count`. */
  skip(count: number): Promise<number>;
  atEnd(): Promise<boolean>;
  /** Lets go of the stream. Does not wait for a read under way, which may never end. */
  close(): void;
}

function charactersOf(record: SourceRecord): number {
  return record.raw.length + (record.ok ? record.structure.text.length : 0);
}

export function createRecordReader(records: AsyncGenerator<SourceRecord>): RecordReader {
  let peeked: SourceRecord | undefined;
  let ended = false;

  async function next(): Promise<SourceRecord | undefined> {
    if (peeked) {
      const record = peeked;
      peeked = undefined;
      return record;
    }
    if (ended) return undefined;
    const { done, value } = await records.next();
    if (!done) return value;
    ended = true;
    return undefined;
  }

  return {
    async take(limit) {
      const batch: SourceRecord[] = [];
      let characters = 0;
      while (batch.length < limit && characters < BATCH_CHARACTERS) {
        const record = await next();
        if (!record) break;
        batch.push(record);
        characters += charactersOf(record);
      }
      return batch;
    },
    async skip(count) {
      let skipped = 0;
      while (skipped < count && (await next())) skipped++;
      return skipped;
    },
    async atEnd() {
      peeked ??= await next();
      return peeked === undefined;
    },
    close() {
      ended = true;
      records.return(undefined).catch(() => undefined);
    },
  };
}
