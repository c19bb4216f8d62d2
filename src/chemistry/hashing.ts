/** The hash of Boost 1.3x that RDKit keeps for its fingerprints (Code/RDGeneral/hash/hash.hpp), on 32 bits. */
export function combine(seed: number, value: number): number {
  return (seed ^ (value + 0x9e3779b9 + (seed << 6) + (seed >>> 2))) >>> 0;
}

/** Hash of a list of 32-bit values. */
export const hashOfList = (values: readonly number[]): number => values.reduce(combine, 0);
