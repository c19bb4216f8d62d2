import { deriveSeed } from '../foundation';

/** Negative where `a` goes before `b`; a and b are indices of candidates. */
export type Order = (a: number, b: number) => number;

/**
 * Order among equals: a seeded hash of the molecule's id, then the id. It never looks at positions, so the order in which a
 * pool is listed cannot change a batch. Hashes are made only where a tie asks for them.
 */
export function hashOrder(moleculeIds: readonly string[], seed: number, purpose: string): Order {
  const keys = new Map<number, number>();
  const keyOf = (index: number): number => {
    let key = keys.get(index);
    if (key === undefined) {
      key = deriveSeed(seed, purpose, moleculeIds[index]!);
      keys.set(index, key);
    }
    return key;
  };
  return (a, b) =>
    keyOf(a) - keyOf(b) ||
    (moleculeIds[a]! < moleculeIds[b]! ? -1 : moleculeIds[a]! > moleculeIds[b]! ? 1 : 0);
}

/** Order by descending score; equal scores (two infinities too) by `next`. */
export function descending(score: Float64Array, next: Order): Order {
  return (a, b) => (score[a] === score[b] ? next(a, b) : score[b]! > score[a]! ? 1 : -1);
}

/**
 * The first `count` of `indices` under `order`, in order. O(n log count): a heap holds the best so far, the worst of them
 * on top.
 */
export function firstOf(indices: Iterable<number>, count: number, order: Order): number[] {
  const heap: number[] = [];
  if (count <= 0) return heap;
  const sink = (start: number): void => {
    const moving = heap[start]!;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && order(heap[child + 1]!, heap[child]!) > 0) child++;
      if (order(heap[child]!, moving) <= 0) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moving;
  };
  for (const index of indices) {
    if (heap.length < count) {
      heap.push(index);
      if (heap.length === count) for (let i = (count >> 1) - 1; i >= 0; i--) sink(i);
    } else if (order(index, heap[0]!) < 0) {
      heap[0] = index;
      sink(0);
    }
  }
  return heap.sort(order);
}

/** The best row by a score that changes as the batch fills; -1 where none is left. */
export function bestOf(open: ReadonlySet<number>, score: (row: number) => number, ties: Order): number {
  let best = -1;
  let most = -Infinity;
  for (const row of open) {
    const value = score(row);
    if (best >= 0 && (value < most || (value === most && ties(row, best) > 0))) continue;
    best = row;
    most = value;
  }
  return best;
}
