import type { FeatureRows } from '../ensemble';

/**
 * A count becomes flags, one for each of these that it reaches: a network sees the step from none to one and from one to two as
 * well as the size, and the first layer stays a sum of kernel rows. The same as RDKit's count simulation (1, 2, 4, 8).
 */
const THRESHOLDS = [1, 2, 4, 8];

/** Most flags of an encoding, the most frequent ones: more only makes the first layer larger (8 MB a member at 512 units). */
const MAX_FLAGS = 4096;

/** Flags in the order of their columns: key (the bits of a uint32) and the count from which it is on; ascending in both. */
export interface CountFlags {
  readonly keys: Int32Array;
  readonly thresholds: Int32Array;
}

export const NO_FLAGS: CountFlags = { keys: new Int32Array(0), thresholds: new Int32Array(0) };

/** Calls `pair` for every key and count of a row. */
function eachPair(
  { data, offsets, columns }: FeatureRows,
  row: number,
  pair: (key: number, count: number) => void,
): void {
  const end = offsets![row + 1]!;
  for (let at = offsets![row]! + columns; at < end; at += 2) pair(data[at]!, data[at + 1]!);
}

/**
 * The flags that tell rows apart: on in two rows or more, and not in all.
 * @returns the flags and in how many rows each is on
 */
export function learnCountFlags(features: FeatureRows): { flags: CountFlags; on: Int32Array } {
  const seen = new Map<number, Int32Array>();
  for (let row = 0; row < features.rows; row++) {
    eachPair(features, row, (key, count) => {
      let on = seen.get(key);
      if (!on) seen.set(key, (on = new Int32Array(THRESHOLDS.length)));
      for (let i = 0; i < THRESHOLDS.length && count >= THRESHOLDS[i]!; i++) on[i]!++;
    });
  }
  const candidates = [...seen].flatMap(([key, on]) =>
    THRESHOLDS.flatMap((threshold, i) =>
      on[i]! >= 2 && on[i]! < features.rows ? [{ key, threshold, on: on[i]! }] : [],
    ),
  );
  const ascending = (a: (typeof candidates)[number], b: (typeof candidates)[number]) =>
    a.key - b.key || a.threshold - b.threshold;
  const chosen = candidates
    .sort((a, b) => b.on - a.on || ascending(a, b))
    .slice(0, MAX_FLAGS)
    .sort(ascending);
  return {
    flags: {
      keys: Int32Array.from(chosen, ({ key }) => key | 0),
      thresholds: Int32Array.from(chosen, ({ threshold }) => threshold),
    },
    on: Int32Array.from(chosen, ({ on }) => on),
  };
}

/** Reads the flags of rows: `each(row, on)` calls `on` with every flag that is on, not in order. */
export function countFlagReader(
  features: FeatureRows,
  { keys, thresholds }: CountFlags,
): (row: number, on: (flag: number) => void) => void {
  const firstFlag = new Map<number, number>();
  for (let flag = keys.length - 1; flag >= 0; flag--) firstFlag.set(keys[flag]!, flag);
  return (row, on) =>
    eachPair(features, row, (unsigned, count) => {
      const key = unsigned | 0;
      const first = firstFlag.get(key);
      if (first === undefined) return;
      for (let flag = first; keys[flag] === key && count >= thresholds[flag]!; flag++) on(flag);
    });
}
