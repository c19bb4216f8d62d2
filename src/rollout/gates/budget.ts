import type { GateVerdict, RolloutConfig } from '../../contracts';
import { figure } from './words';

export interface Performance {
  readonly loadSeconds: number;
  /** Of requests of one molecule each. */
  readonly p99Milliseconds: number;
  readonly requests: number;
  /** Growth of resident memory while it was loaded and asked, MiB. */
  readonly memoryMegabytes: number;
}

const MIB = 2 ** 20;
/** Requests before those that count: threads and caches are cold. */
const WARM_UP = 3;
const REQUESTS = 100;

/** Loads a model and asks it for one molecule at a time, a fixed set in turn. @returns what that took, and what `load` gave. */
export async function measurePerformance<T>(
  load: () => Promise<T>,
  predictOne: (loaded: T, smiles: string) => Promise<unknown>,
  molecules: readonly string[],
): Promise<{ loaded: T; performance: Performance }> {
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const loaded = await load();
  const loadSeconds = (performance.now() - started) / 1000;
  const times: number[] = [];
  for (let i = 0; molecules.length && i < WARM_UP + REQUESTS; i++) {
    const asked = performance.now();
    await predictOne(loaded, molecules[i % molecules.length]!);
    if (i >= WARM_UP) times.push(performance.now() - asked);
  }
  times.sort((a, b) => a - b);
  return {
    loaded,
    performance: {
      loadSeconds,
      p99Milliseconds: times[Math.ceil(0.99 * times.length) - 1] ?? 0,
      requests: times.length,
      memoryMegabytes: Math.max(0, process.memoryUsage.rss() - before) / MIB,
    },
  };
}

/** What a model may take of the machine. */
export function budgetGate(seen: Performance, budget: RolloutConfig['budget']): GateVerdict {
  const over = [
    ...(seen.loadSeconds > budget.loadSeconds ? [`loading is over ${budget.loadSeconds} s`] : []),
    ...(seen.p99Milliseconds > budget.p99Milliseconds ? [`p99 is over ${budget.p99Milliseconds} ms`] : []),
    ...(seen.memoryMegabytes > budget.memoryMegabytes
      ? [`memory is over ${budget.memoryMegabytes} MiB`]
      : []),
  ];
  const figures =
    `Loaded in ${figure(seen.loadSeconds)} s, p99 of ${seen.requests} single molecules ${figure(seen.p99Milliseconds)} ms, ` +
    `${figure(seen.memoryMegabytes)} MiB of memory`;
  return {
    gate: 'budget',
    passed: over.length === 0,
    evidence: over.length ? `${figures}: ${over.join(', ')}.` : `${figures}: within the budget.`,
  };
}
