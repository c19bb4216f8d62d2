import '../../support/property-seed';
import fc from 'fast-check';
import { strategySchema } from '../../../src/contracts';
import { chooseBatch, rulesReport } from '../../../src/acquisition';
import { createRandom } from '../../../src/foundation';
import { requestOf } from '../support/requests';
import { realMolecules, rulesOver, type RealMolecule } from './pool';
import { campaignOf, drawn } from './random-rules';

/** ehvi goes by several properties: tests/acquisition/pareto. */
const STRATEGIES = strategySchema.options.filter((strategy) => strategy !== 'ehvi');

let pool: RealMolecule[];
beforeAll(async () => {
  pool = await realMolecules(24);
});

/** The report takes each pick again and throws where one breaks a rule; that it does is tested beside this. */
test('whatever chooses a batch, it keeps every rule and has as many molecules as fit', async () => {
  await fc.assert(
    fc.asyncProperty(
      ...[drawn, fc.constantFrom(...STRATEGIES), fc.constantFrom('top', 'joint')],
      fc.subarray([0, 5, 9]),
      async (draw, strategy, batching, wanted) => {
        const { constraints, options, ranked } = campaignOf(pool, draw);
        const open = await rulesOver(pool, constraints, options);
        const admitted = [...open.table.admittedIds()];
        const include = wanted.flatMap((i) => admitted[i] ?? []);
        const left = Math.max(0, (draw.total ?? Infinity) - draw.spent);
        const price = include.reduce((sum, id) => sum + open.priceOf(id)!, 0);
        const lists = { ...options.lists, include: price <= left ? include : [] };
        const rules = await rulesOver(pool, constraints, { ...options, lists });
        const random = createRandom(draw.seed);
        const ids = ranked.filter(options.isCandidate);
        const request = requestOf(
          { ids, mean: ids.map(() => random.normal()), sigma: ids.map(() => 0.1 + random.next()) },
          {
            acquisition: { strategy, batching, randomShare: 0.2 },
            batchSize: draw.asked,
            rules,
            seed: draw.seed,
          },
        );
        const { picks } = await chooseBatch(request);
        const chosen = picks.map(({ moleculeId }) => moleculeId);
        const report = rulesReport(rules, draw.asked, chosen);
        const draft = rules.begin(draw.asked);
        expect(chosen.slice(0, draft.required.length)).toEqual(draft.required);
        chosen.forEach((id) => draft.take(id));
        expect(ids.filter((id) => draft.fits(id))).toEqual([]);
        if (chosen.length < draw.asked && report.candidates > chosen.length)
          expect(report.binding).not.toBeNull();
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
