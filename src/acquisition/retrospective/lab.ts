import { createRandom, deriveSeed, standardDeviation } from '../../foundation';
import type { Mishaps, ReplayTable } from './protocol';

type Outcome = 'measured' | 'nothing' | 'failed' | 'abandoned' | 'late' | 'corrected';

/**
 * A laboratory that answers from the table, mishaps and all: what it has told so far is all that a replay may know. The same orders
 * under the same seed get the same answers.
 */
export class ReplayLab {
  private readonly known = new Map<number, number>();
  /** Tried without a value, and not to be tried again. */
  private readonly closed = new Set<number>();
  /** Measured, whatever it gave. */
  private readonly done = new Set<number>();
  private due: number[] = [];
  private readonly out = new Set<number>();
  private readonly everProposed = new Set<number>();
  private orders = 0;
  private readonly noise: number;

  constructor(
    private readonly table: Pick<ReplayTable, 'values' | 'kind'>,
    private readonly seed: number,
    private readonly mishaps?: Mishaps,
  ) {
    this.noise = mishaps?.corrected ? standardDeviation(table.values.filter((value) => value !== null)) : 0;
  }

  /** Measurements paid for so far. */
  get measured(): number {
    return this.orders;
  }

  /** Rows with a value, in the order the first values came in. */
  get labelled(): number[] {
    return [...this.known.keys()];
  }

  /** Rows that were measured, in the order they came back first: their further properties are known, as far as there are values. */
  get returned(): number[] {
    return [...this.done];
  }

  /** Rows still out with the laboratory. */
  get pending(): number[] {
    return [...this.out];
  }

  /** Rows tried without a value, and not to be tried again. */
  get failed(): number[] {
    return [...this.closed];
  }

  /** Rows that were ever asked for. */
  get proposed(): number[] {
    return [...this.everProposed];
  }

  /** What the laboratory last said of a row that it has measured: right or, until it is corrected, wrong. */
  valueOf(row: number): number {
    return this.known.get(row)!;
  }

  isOpen(row: number): boolean {
    return !this.known.has(row) && !this.closed.has(row) && !this.out.has(row);
  }

  /** @param batch 0: the first molecules. What was due with this batch comes back before it. */
  measure(rows: readonly number[], batch: number): void {
    this.settle();
    this.orders += rows.length;
    const outcomes = this.outcomesOf(rows, batch);
    rows.forEach((row, i) => {
      this.everProposed.add(row);
      this.answer(row, outcomes[i]!, batch);
    });
  }

  /** All that is still out or wrong comes back, right. */
  settle(): void {
    for (const row of this.due) this.tell(row);
    this.due = [];
    this.out.clear();
  }

  private answer(row: number, outcome: Outcome, batch: number): void {
    switch (outcome) {
      case 'abandoned':
        return;
      case 'failed':
        if (!this.mishaps!.retryFailed) this.closed.add(row);
        return;
      case 'late':
        this.out.add(row);
        this.due.push(row);
        return;
      case 'corrected':
        this.known.set(row, this.wrong(row, batch));
        this.done.add(row);
        this.due.push(row);
        return;
      default:
        this.tell(row);
    }
  }

  private tell(row: number): void {
    const value = this.table.values[row]!;
    this.done.add(row);
    if (value === null) this.closed.add(row);
    else this.known.set(row, value);
  }

  private wrong(row: number, batch: number): number {
    const value = this.table.values[row]!;
    if (this.table.kind === 'screen') return 1 - value;
    return value + this.noise * createRandom(deriveSeed(this.seed, 'wrong', batch, row)).normal();
  }

  /** Which rows of a batch suffer what: shares of it, drawn by the seed. */
  private outcomesOf(rows: readonly number[], batch: number): Outcome[] {
    const outcomes = rows.map((): Outcome => 'measured');
    const { mishaps } = this;
    if (!mishaps || batch === 0 || (mishaps.batches && !mishaps.batches.includes(batch))) return outcomes;
    const order = createRandom(deriveSeed(this.seed, 'mishaps', batch)).shuffle([...rows.keys()]);
    let at = 0;
    for (const kind of ['failed', 'abandoned', 'late', 'corrected'] as const) {
      const end = Math.min(rows.length, at + Math.round(mishaps[kind] * rows.length));
      for (; at < end; at++) outcomes[order[at]!] = kind;
    }
    // A molecule that the assay gives nothing for has no value to be wrong.
    rows.forEach((row, i) => {
      if (outcomes[i] === 'corrected' && this.table.values[row] === null) outcomes[i] = 'nothing';
    });
    return outcomes;
  }
}
