import { capacityOf, type Workload } from './model';
import type { Prices } from './prices';

/** A year, by months: of a pool that a laptop would do, of a library, of a large one. */
const SIZES = [
  { name: 'a pool of 10,000, batches of 96', pool: 1e4, batch: 96 },
  { name: 'a pool of 1,000,000, batches of 384', pool: 1e6, batch: 384 },
  { name: 'a pool of 20,000,000, batches of 1,536', pool: 2e7, batch: 1536 },
] as const;

const REST: Omit<Workload, 'pool' | 'batch'> = {
  rounds: 12,
  roundDays: 365 / 12,
  labels: 500,
  firstHours: 2,
  vertexFromLabels: 5000,
  dataflowFromMegabytes: 64,
};

const dollars = (usd: number) => (usd < 1 ? usd.toFixed(2) : String(Math.round(usd)));

/** What a year of twelve rounds costs, by parts, as a Markdown table; USD. */
export function costTable(prices: Prices): string {
  const sizes = SIZES.map(({ name, ...size }) => ({
    name,
    capacity: capacityOf({ ...REST, ...size }, prices),
  }));
  const whats = [...new Set(sizes.flatMap(({ capacity }) => capacity.lines.map(({ what }) => what)))];
  const rows = whats.map((what) => [
    what,
    ...sizes.map(({ capacity }) => {
      const line = capacity.lines.find((one) => one.what === what);
      return line ? dollars(line.usd) : '';
    }),
  ]);
  const all = ['all', ...sizes.map(({ capacity }) => dollars(capacity.usd))];
  const head = ['USD a year', ...sizes.map(({ name }) => name)];
  return [head, head.map(() => '---'), ...rows, all].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
