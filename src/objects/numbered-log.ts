import { TitrateError } from '../contracts';
import type { ObjectStore } from './object-store';

export interface NumberedEntry<T> {
  /** 1, 2, 3, … without gaps. */
  readonly number: number;
  readonly value: T;
}

/** An append-only log of JSON records `<prefix>/000000000001`, … Entries never change, so what was read once is kept. */
export interface NumberedLog<T> {
  /** Every entry so far, those of other processes too, in order. */
  entries(): Promise<readonly NumberedEntry<T>[]>;
  /**
   * Appends what `build` makes of the entries so far. When another writer takes the number, `build` is asked again with
   * that writer's entry in view; it returns null to append nothing.
   * @returns the entry appended, or null.
   */
  append(
    build: (entries: readonly NumberedEntry<T>[]) => T | null | Promise<T | null>,
  ): Promise<NumberedEntry<T> | null>;
}

const DIGITS = 12;

/** @param prefix record key without a trailing slash; the log owns the numbered records right below it. */
export function createNumberedLog<T>(objects: ObjectStore, prefix: string): NumberedLog<T> {
  const known: NumberedEntry<T>[] = [];
  const keyOf = (number: number) => `${prefix}/${String(number).padStart(DIGITS, '0')}`;

  // Numbers have no gaps (a writer takes n + 1 only after it has seen n), so reading on until nothing is there finds all.
  async function entries(): Promise<readonly NumberedEntry<T>[]> {
    for (;;) {
      const number = known.length + 1;
      const bytes = await objects.readRecord(keyOf(number));
      if (bytes === null) return known.slice();
      if (known.length >= number) continue; // another call of this process has read it meanwhile
      known.push({ number, value: parseRecord<T>(bytes, keyOf(number)) });
    }
  }

  return {
    entries,
    async append(build) {
      for (;;) {
        const seen = await entries();
        const number = seen.length + 1;
        const value = await build(seen);
        if (value === null) return null;
        if (await objects.createRecord(keyOf(number), Buffer.from(JSON.stringify(value), 'utf8')))
          return { number, value };
      }
    },
  };
}

/** @throws TitrateError artifact-corrupt when a record is not JSON. */
export function parseRecord<T>(bytes: Uint8Array, key: string): T {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as T;
  } catch (error) {
    throw new TitrateError(
      'artifact-corrupt',
      {
        what: 'the record is not JSON',
        where: `record '${key}'`,
        remedy: 'Restore the record from a backup',
      },
      { cause: error },
    );
  }
}
