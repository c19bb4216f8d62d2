import '../../support/property-seed';
import fc from 'fast-check';
import { PROPERTY_NAMES, type PropertyName } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import { rulesReport } from '../../../src/acquisition/constraints';
import { tanimoto, unpackFingerprint } from '../../../src/acquisition/constraints/clusters';
import { PATTERNS, pickByRank, realMolecules, rulesOver, type RealMolecule } from './pool';
import { campaignOf, drawn, type Drawn } from './random-rules';

let pool: RealMolecule[];
let byId: Map<string, RealMolecule>;
beforeAll(async () => {
  pool = await realMolecules(9);
  byId = new Map(pool.map((molecule) => [molecule.moleculeId, molecule]));
});

const moleculeOf = (id: string) => byId.get(id)!;

/** Rules about single molecules, written down a second time. */
function mayBePicked(draw: Drawn, campaign: ReturnType<typeof campaignOf>, id: string): boolean {
  const { found } = moleculeOf(id);
  const { constraints, costs, amounts, used, exclude } = campaign;
  const matches = new Set(found.matches.map((i) => Object.keys(PATTERNS)[i]!));
  const inWindows = Object.entries(constraints.properties).every(([name, { from, to }]) => {
    const value = found.properties[PROPERTY_NAMES.indexOf(name as PropertyName)]!;
    return value >= from && value <= to;
  });
  const price = costs.get(id) ?? (draw.hasDefault ? 7 : undefined);
  const limit = Math.min(draw.perBatch ?? Infinity, draw.total ?? Infinity);
  return (
    inWindows &&
    (draw.any.length === 0 || draw.any.some((name) => matches.has(name))) &&
    !draw.exclude.some((name) => matches.has(name)) &&
    (limit === Infinity || (price !== undefined && price <= limit)) &&
    (!draw.stock || (amounts.get(id) ?? 0) > 0) &&
    !used.has(id) &&
    !exclude.has(id)
  );
}

test('every batch keeps every rule, and one that falls short says by which', async () => {
  await fc.assert(
    fc.asyncProperty(drawn, async (draw) => {
      const campaign = campaignOf(pool, draw);
      const rules = await rulesOver(pool, campaign.constraints, campaign.options);
      const picks = pickByRank(rules, draw.asked, campaign.ranked);
      const report = rulesReport(rules, draw.asked, picks);
      // What a strategy ranks first need not be what it took first.
      expect(rulesReport(rules, draw.asked, createRandom(draw.seed).shuffle(picks))).toEqual(report);

      const free = campaign.ranked.filter((id) => mayBePicked(draw, campaign, id));
      expect([...rules.table.admittedIds()].sort()).toEqual([...free].sort());
      expect(picks.filter((id) => !free.includes(id))).toEqual([]);
      expect(new Set(picks).size).toBe(picks.length);
      expect(picks.length).toBeLessThanOrEqual(report.places);
      expect(report.places).toBeLessThanOrEqual(draw.asked);

      const spentNow = picks.reduce(
        (sum, id) => sum + (campaign.costs.get(id) ?? (draw.hasDefault ? 7 : 0)),
        0,
      );
      expect(report.cost!.batch).toBeCloseTo(spentNow, 5);
      if (draw.perBatch !== undefined) expect(spentNow).toBeLessThanOrEqual(draw.perBatch + 1e-6);
      if (draw.total !== undefined)
        expect(spentNow).toBeLessThanOrEqual(Math.max(0, draw.total - draw.spent) + 1e-6);

      if (draw.perScaffold !== undefined) {
        const counts = new Map<string, number>();
        for (const { found } of picks.map(moleculeOf))
          if (found.scaffold) counts.set(found.scaffold, (counts.get(found.scaffold) ?? 0) + 1);
        expect(Math.max(0, ...counts.values())).toBeLessThanOrEqual(draw.perScaffold);
      }
      if (draw.perCluster)
        expect(largestCluster(picks, draw.perCluster.similarity)).toBeLessThanOrEqual(draw.perCluster.most);

      // Nothing that could still be had is left out, and what cannot be had is named.
      const draft = rules.begin(draw.asked);
      picks.forEach((id) => draft.take(id));
      expect(free.filter((id) => draft.fits(id))).toEqual([]);
      expect([...byId.keys()].filter((id) => draft.whyNot(id) === null)).toEqual([]);
      const short = picks.length < draw.asked;
      const ruleLess = report.candidates === picks.length;
      expect(report.binding === null).toBe(!short || ruleLess);
      if (report.binding) expect(report.words).toContain(`what binds: ${report.binding}`);
    }),
    { numRuns: 100 },
  );
});

/** Most picks near one of them, itself included. */
function largestCluster(picks: readonly string[], similarity: number): number {
  const prints = picks.map((id) => unpackFingerprint(moleculeOf(id).found.fingerprint));
  return Math.max(0, ...prints.map((a) => prints.filter((b) => tanimoto(a, b) >= similarity).length));
}

test('the order of the pool changes neither batch nor report', async () => {
  await fc.assert(
    fc.asyncProperty(drawn, fc.nat(), async (draw, seed) => {
      const { constraints, options, ranked } = campaignOf(pool, draw);
      const told = [];
      for (const molecules of [pool, createRandom(seed).shuffle(pool)]) {
        const rules = await rulesOver(molecules, constraints, options);
        const picks = pickByRank(rules, draw.asked, ranked);
        told.push({ picks, report: rulesReport(rules, draw.asked, picks) });
      }
      expect(told[1]).toEqual(told[0]);
    }),
    { numRuns: 40 },
  );
});

test('what must be included comes first and in order, and the rest of it in later batches', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 12 }), async (seed, asked) => {
      const random = createRandom(seed);
      const ids = random.shuffle(pool.map(({ moleculeId }) => moleculeId));
      const include = ids.slice(0, 8);
      const used = new Set<string>();
      const came: string[] = [];
      for (let round = 0; round < 40 && came.length < include.length; round++) {
        const rules = await rulesOver(
          pool,
          { perScaffold: 2, include: { molecules: include } },
          {
            isCandidate: (id) => !used.has(id),
            lists: { costs: new Map(), amounts: null, include, exclude: new Set() },
          },
        );
        const picks = pickByRank(rules, asked, ids.slice(8));
        const { waiting } = rulesReport(rules, asked, picks);
        const required = picks.filter((id) => include.includes(id));
        expect(picks.slice(0, required.length)).toEqual(required);
        came.push(...required);
        expect(waiting).toBe(include.length - came.length);
        picks.forEach((id) => used.add(id));
      }
      expect([...came].sort()).toEqual([...include].sort());
    }),
    { numRuns: 15 },
  );
});
