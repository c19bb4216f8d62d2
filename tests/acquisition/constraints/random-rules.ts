import fc from 'fast-check';
import { PROPERTY_NAMES, type PropertyName } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import { PATTERNS, type RealMolecule } from './pool';

const windowOf = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }))
  .map(([a, b]) => ({ from: Math.min(a, b) / 20, to: Math.max(a, b) / 20 }));

/** Windows between shares of the pool's own values, patterns of the list, limits, prices and stock by chance. */
export const drawn = fc.record({
  windows: fc.dictionary(fc.constantFrom(...PROPERTY_NAMES), windowOf, { maxKeys: 2 }),
  any: fc.subarray(Object.keys(PATTERNS), { maxLength: 2 }),
  exclude: fc.subarray(Object.keys(PATTERNS), { maxLength: 2 }),
  perScaffold: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  perCluster: fc.option(
    fc.record({ most: fc.integer({ min: 1, max: 3 }), similarity: fc.constantFrom(0.2, 0.3, 0.5, 1) }),
    { nil: undefined },
  ),
  perBatch: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
  total: fc.option(fc.integer({ min: 1, max: 800 }), { nil: undefined }),
  spent: fc.integer({ min: 0, max: 900 }),
  hasDefault: fc.boolean(),
  stock: fc.boolean(),
  wells: fc.option(fc.constantFrom(6, 12, 24), { nil: undefined }),
  fill: fc.constantFrom('asked', 'whole'),
  asked: fc.integer({ min: 1, max: 60 }),
  seed: fc.nat(),
});
export type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

/** The campaign that was drawn: its constraints, its lists, who may be proposed, and what is best by some score. */
export function campaignOf(pool: readonly RealMolecule[], draw: Drawn) {
  const random = createRandom(draw.seed);
  const sortedBy = (name: PropertyName) =>
    pool.map(({ found }) => found.properties[PROPERTY_NAMES.indexOf(name)]!).sort((a, b) => a - b);
  const properties = Object.fromEntries(
    Object.entries(draw.windows).map(([name, { from, to }]) => {
      const values = sortedBy(name as PropertyName);
      const at = (share: number) => values[Math.floor(share * (values.length - 1))]!;
      return [name, { from: at(from), to: at(to) }];
    }),
  );
  const named = (names: string[]) => Object.fromEntries(names.map((name) => [name, PATTERNS[name]]));
  const priced = pool.filter(() => random.next() < 0.8);
  const costs = new Map(priced.map(({ moleculeId }) => [moleculeId, 1 + random.below(300) / 10]));
  const inStock = pool.filter(() => random.next() < 0.7);
  const amounts = new Map(inStock.map(({ moleculeId }) => [moleculeId, random.below(3)]));
  const ids = pool.map(({ moleculeId }) => moleculeId);
  const used = new Set(ids.filter(() => random.next() < 0.2));
  const { perBatch, total } = draw;
  const constraints = {
    properties,
    substructures: { any: named(draw.any), exclude: named(draw.exclude) },
    perScaffold: draw.perScaffold,
    perCluster: draw.perCluster,
    cost: { file: { uri: 'prices.csv' }, perBatch, total, ...(draw.hasDefault && { default: 7 }) },
    ...(draw.stock && { stock: { file: { uri: 'stock.csv', amountColumn: 'amount' } } }),
    ...(draw.wells && { plates: { wells: draw.wells, controls: 2, fill: draw.fill } }),
  };
  const exclude = new Set(random.shuffle(ids).slice(0, 5));
  const options = {
    lists: { costs, amounts: draw.stock ? amounts : null, include: [] as string[], exclude },
    isCandidate: (id: string) => !used.has(id),
    spent: draw.spent,
  };
  return { constraints, options, ranked: random.shuffle(ids), costs, amounts, used, exclude };
}
