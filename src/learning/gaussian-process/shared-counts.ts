import type { DenseColumns } from './dense-columns';
import type { EncodedRows } from './feature-space';
import type { KernelMachine } from './kernel-machine';
import { buildKeyTable, KEY_MULTIPLIER, KEY_SHIFT, type KeyTable } from './key-table';
import type { TanimotoReference } from './reference';

/** Sums of counts that the 8-bit sums of one call can hold. */
const MOST_SUM = 255;
/** Words of an entry: the address of a column and a count. */
const ENTRY = 2;

/** Where a machine's memory holds what the minima need; addresses in bytes. */
export interface SharedPlaces {
  readonly columns: number;
  readonly entries: number;
  /** 16-bit sums, one a reference row. */
  readonly shared: number;
}

/** Words that the entries of any row of these take. */
export function entryWords({ words, countStarts, rows }: EncodedRows): number {
  let most = 0;
  for (let r = 0; r < rows; r++) most = Math.max(most, countStarts[r + 1]! - countStarts[r]!);
  return ENTRY * (words * 32 + most);
}

/**
 * Sums what a query row shares with every reference row: dense columns in the machine, many rows an instruction and as many columns a
 * call as 8-bit sums hold; posting lists one by one.
 */
export class SharedCounts {
  private readonly entries: Uint32Array;
  private readonly sums: Uint16Array;
  private at = 0;
  private sum = 0;
  private readonly dense: DenseColumns;
  /** Of each key of training, slot + 1 of its column, or -1 - column where that is a posting list. */
  private readonly table?: KeyTable;

  constructor(
    private readonly machine: KernelMachine,
    private readonly reference: TanimotoReference,
    private readonly places: SharedPlaces,
    keys?: Uint32Array,
  ) {
    this.dense = reference.dense!;
    const { countedSlots } = this.dense;
    this.table =
      keys &&
      buildKeyTable(keys, (column) => {
        const slot = countedSlots[column]!;
        return slot >= 0 ? slot + 1 : -1 - column;
      });
    this.entries = new Uint32Array(machine.memory);
    this.sums = new Uint16Array(machine.memory, places.shared, this.dense.stride);
  }

  /** Leaves the sums of a row of `query` at `places.shared`. */
  of(query: EncodedRows, row: number): void {
    this.sums.fill(0);
    this.at = this.places.entries / 4;
    this.sum = 0;
    this.addBits(query, row);
    this.addCounts(query, row);
    this.flush();
  }

  /**
   * The same of a row of features with counts, keys and counts in turn from `from` to `to`. One loop over plain arrays: it runs some
   * hundred times a row.
   * @returns the sum of all counts, those of keys that training has not seen with them.
   */
  ofKeys(words: Uint32Array, from: number, to: number): number {
    const { sums, entries, places, machine } = this;
    const { mask, cells } = this.table!;
    const { countedStarts, countedRows, countedValues } = this.reference;
    const { stride } = this.dense;
    // An import is looked up wherever it is read, which here is too often.
    const [multiplier, shift] = [KEY_MULTIPLIER, KEY_SHIFT];
    const start = places.entries / 4;
    const sharedEnd = places.shared + 2 * stride;
    sums.fill(0);
    let total = 0;
    let next = start;
    let sum = 0;
    for (let word = from; word < to; word += 2) {
      const key = words[word]!;
      const count = words[word + 1]!;
      total += count;
      let cell = 2 * ((Math.imul(key, multiplier) >>> shift) & mask);
      while (cells[cell] !== key && cells[cell + 1] !== 0) cell = (cell + 2) & (2 * mask + 1);
      const place = cells[cell + 1]! | 0;
      if (place > 0) {
        const bounded = count < MOST_SUM ? count : MOST_SUM;
        if (sum + bounded > MOST_SUM) {
          machine.minima(places.entries, 4 * next, places.shared, sharedEnd);
          next = start;
          sum = 0;
        }
        sum += bounded;
        entries[next] = places.columns + (place - 1) * stride;
        entries[next + 1] = bounded;
        next += ENTRY;
      } else if (place < 0) {
        const end = countedStarts[-place]!;
        for (let p = countedStarts[-place - 1]!; p < end; p++) {
          const other = countedValues[p]!;
          sums[countedRows[p]!]! += other < count ? other : count;
        }
      }
    }
    if (next > start) machine.minima(places.entries, 4 * next, places.shared, sharedEnd);
    return total;
  }

  private addBits({ bits, words }: EncodedRows, row: number): void {
    const { bitSlots } = this.dense;
    const { postingStarts, postings } = this.reference;
    for (let k = 0; k < words; k++) {
      for (let word = bits[row * words + k]!; word !== 0; word &= word - 1) {
        const bit = k * 32 + 31 - Math.clz32(word & -word);
        const slot = bitSlots[bit]!;
        if (slot >= 0) this.push(slot, 1);
        else for (let p = postingStarts[bit]!; p < postingStarts[bit + 1]!; p++) this.sums[postings[p]!]!++;
      }
    }
  }

  private addCounts({ countStarts, countColumns, countValues }: EncodedRows, row: number): void {
    const known = this.dense.countedSlots.length;
    for (let at = countStarts[row]!; at < countStarts[row + 1]!; at++) {
      const column = countColumns[at]!;
      if (column < known) this.addCount(column, countValues[at]!);
    }
  }

  private addCount(column: number, count: number): void {
    const slot = this.dense.countedSlots[column]!;
    if (slot >= 0) {
      this.push(slot, count < MOST_SUM ? count : MOST_SUM);
      return;
    }
    const { countedStarts, countedRows, countedValues } = this.reference;
    const { sums } = this;
    const end = countedStarts[column + 1]!;
    for (let p = countedStarts[column]!; p < end; p++) {
      const other = countedValues[p]!;
      sums[countedRows[p]!]! += other < count ? other : count;
    }
  }

  private push(slot: number, count: number): void {
    if (this.sum + count > MOST_SUM) this.flush();
    this.sum += count;
    this.entries[this.at] = this.places.columns + slot * this.dense.stride;
    this.entries[this.at + 1] = count;
    this.at += ENTRY;
  }

  private flush(): void {
    const { entries, shared } = this.places;
    const end = 4 * this.at;
    if (end > entries) this.machine.minima(entries, end, shared, shared + 2 * this.dense.stride);
    this.at = entries / 4;
    this.sum = 0;
  }
}
