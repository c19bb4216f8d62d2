/** What belongs to each key: an open-addressed table, because a million rows ask some hundred times each. */
export interface KeyTable {
  /** Cells - 1, a power of two minus 1. */
  readonly mask: number;
  /** Two words a cell: the key and its value, a signed number that is not 0; 0 in an empty cell. */
  readonly cells: Uint32Array;
}

/** Of Knuth's multiplicative hash, 2^32 over the golden ratio; the product's upper bits are the better ones. */
export const KEY_MULTIPLIER = 0x9e3779b1;
export const KEY_SHIFT = 9;
/** Cells a key. */
const SPARE = 2;

/** @param valueOf of key number i; not 0. */
export function buildKeyTable(keys: Uint32Array, valueOf: (index: number) => number): KeyTable {
  let size = 16;
  while (size < SPARE * keys.length) size *= 2;
  const mask = size - 1;
  const cells = new Uint32Array(2 * size);
  keys.forEach((key, index) => {
    let cell = 2 * ((Math.imul(key, KEY_MULTIPLIER) >>> KEY_SHIFT) & mask);
    while (cells[cell + 1] !== 0) cell = (cell + 2) & (2 * mask + 1);
    cells[cell] = key;
    cells[cell + 1] = valueOf(index);
  });
  return { mask, cells };
}
