import fc from 'fast-check';
import { chooseBatch, type BatchRules, type ChosenBatch } from '../../src/acquisition';
import { strategySchema } from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import { idOf, randomPool, requestOf, type Pool } from './support/requests';

/** ehvi goes by several properties: tests/acquisition/pareto. */
const strategies = strategySchema.options.filter((strategy) => strategy !== 'ehvi');
const idsOf = ({ picks }: ChosenBatch) => picks.map(({ moleculeId }) => moleculeId);
const setting = fc.record({
  strategy: fc.constantFrom(...strategies),
  batching: fc.constantFrom('top', 'joint', 'auto'),
  randomShare: fc.constantFrom(0, 0.25, 1),
  kappa: fc.constantFrom(0, 1, 2.5),
});
const goals = fc.constantFrom(
  { kind: 'best' as const },
  { kind: 'learn' as const },
  { kind: 'actives' as const, threshold: 0.5 },
  { kind: 'range' as const, from: 0.25, to: 0.5 },
);
const pools = fc.record({ count: fc.nat({ max: 24 }), seed: fc.nat() });
const batchSizes = fc.integer({ min: 0, max: 9 });

/** At most `most` molecules of each of three kinds, which the ids decide; those of the fourth are never allowed. */
function kindsOf(most: number, required: readonly string[] = []) {
  const kindOf = (id: string) => parseInt(id.at(-1)!, 16) % 4;
  const rules: BatchRules = {
    admits: (id) => kindOf(id) !== 3,
    begin: (size) => {
      const taken = new Map<number, number>();
      const whyNot = (id: string) =>
        (taken.get(kindOf(id)) ?? 0) < most ? null : `there are ${most} of kind ${kindOf(id)}`;
      return {
        ...{ size, required, whyNot },
        fits: (id) => whyNot(id) === null,
        take: (id) => void taken.set(kindOf(id), (taken.get(kindOf(id)) ?? 0) + 1),
      };
    },
  };
  return { rules, kindOf };
}

describe('chooseBatch', () => {
  it('depends neither on the order of the pool nor on the parts it comes in', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[pools, setting, goals, batchSizes, fc.integer({ min: 1, max: 30 })],
        async ({ count, seed }, acquisition, goal, batchSize, part) => {
          const pool = randomPool(count, seed);
          const order = createRandom(seed).shuffle([...pool.ids.keys()]);
          const take = <T>(column: readonly T[]) => order.map((i) => column[i]!);
          const shuffled: Pool = {
            ...{ ids: take(pool.ids), mean: take(pool.mean), sigma: take(pool.sigma) },
          };
          const others = {
            measured: [1, 2, 3].map((i) => idOf(`measured ${i}`)),
            pending: pool.ids.filter((_, i) => i % 5 === 0),
          };
          const options = { acquisition, goal, batchSize, seed, ...others };
          const straight = await chooseBatch(requestOf(pool, options));
          const again = await chooseBatch(requestOf(shuffled, { ...options, part }));
          expect(again).toEqual(straight);
        },
      ),
    );
  }, 60_000);

  it('gives as many different molecules as asked for or as are left, and never a pending one', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[pools, setting, goals, batchSizes, fc.boolean()],
        async ({ count, seed }, acquisition, goal, batchSize, modelled) => {
          const pool = randomPool(count, seed);
          const pending = pool.ids.filter((_, i) => createRandom(seed + i).next() < 0.4);
          const request = requestOf(pool, { acquisition, goal, batchSize, pending, seed });
          const picks = idsOf(await chooseBatch(modelled ? request : { ...request, surrogate: null }));
          expect(picks).toHaveLength(Math.min(batchSize, pool.ids.length - pending.length));
          expect(new Set(picks).size).toBe(picks.length);
          expect(picks.filter((id) => pending.includes(id))).toEqual([]);
        },
      ),
    );
  }, 60_000);

  it('picks the same by a model that passes over what cannot be among the best', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[pools, fc.constantFrom('greedy', 'ucb', 'ei', 'log-ei', 'pi', 'bald'), batchSizes, goals],
        async ({ count, seed }, strategy, batchSize, goal) => {
          const pool = randomPool(count, seed);
          const request = requestOf(pool, { acquisition: { strategy }, batchSize, goal, seed });
          const { model } = request.surrogate!;
          let passedOver = 0;
          const best: NonNullable<typeof model.best> = async (features, { count: wanted, floor, score }) => {
            const { mean, epistemic, aleatoric } = await model.predict(features);
            const scores = mean.map((m, i) => score(m, epistemic[i]!, aleatoric[i]!));
            const least = Math.max(
              floor ?? -Infinity,
              [...scores].sort((a, b) => b - a)[wanted - 1] ?? -Infinity,
            );
            const rows = Uint32Array.from([...scores.keys()].filter((i) => scores[i]! >= least));
            passedOver += features.rows - rows.length;
            const take = (column: Float64Array) => Float64Array.from(rows, (i) => column[i]!);
            return {
              ...{ rows, scores: take(scores), evaluated: features.rows },
              prediction: { mean: take(mean), epistemic: take(epistemic), aleatoric: take(aleatoric) },
            };
          };
          const surrogate = { model: { ...model, best }, calibrationScale: 1 };
          expect(await chooseBatch({ ...request, surrogate })).toEqual(await chooseBatch(request));
          // Where it matters: batches that are small beside a part.
          if (count > 14 && batchSize === 1 && goal.kind === 'best' && strategy !== 'bald')
            expect(passedOver).toBeGreaterThan(0);
        },
      ),
    );
  }, 60_000);

  it('keeps the rules in every batch, fills it as far as they allow, and places what they require first', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[pools, setting, goals, batchSizes, fc.integer({ min: 1, max: 3 })],
        async ({ count, seed }, acquisition, goal, batchSize, most) => {
          const pool = randomPool(count, seed);
          const { kindOf } = kindsOf(most);
          const required = pool.ids.filter((id) => kindOf(id) === 1).slice(0, Math.min(1, batchSize));
          const { rules } = kindsOf(most, required);
          const picks = idsOf(
            await chooseBatch(requestOf(pool, { acquisition, goal, batchSize, seed, rules })),
          );
          const ofKind = (ids: readonly string[], kind: number) =>
            ids.filter((id) => kindOf(id) === kind).length;
          const possible = [0, 1, 2].reduce((sum, kind) => sum + Math.min(most, ofKind(pool.ids, kind)), 0);
          expect(picks).toHaveLength(Math.min(batchSize, possible));
          for (const kind of [0, 1, 2]) expect(ofKind(picks, kind)).toBeLessThanOrEqual(most);
          expect(ofKind(picks, 3)).toBe(0);
          expect(picks.slice(0, required.length)).toEqual(required);
        },
      ),
    );
  }, 60_000);

  it('keeps a better candidate when a dominated one joins the pool (greedy)', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[pools, batchSizes, fc.nat({ max: 4 })],
        async ({ count, seed }, batchSize, sigma) => {
          const pool = randomPool(count, seed);
          const options = { acquisition: { strategy: 'greedy' }, batchSize };
          const before = idsOf(await chooseBatch(requestOf(pool, options)));
          const place = new Map(pool.ids.map((id, i) => [id, i]));
          const worst = Math.min(0, ...before.map((id) => pool.mean[place.get(id)!]!));
          const grown: Pool = {
            ids: [...pool.ids, idOf('newcomer')],
            mean: [...pool.mean, worst - 0.25],
            sigma: [...pool.sigma, sigma],
          };
          const after = idsOf(await chooseBatch(requestOf(grown, options)));
          for (const id of before) expect(after).toContain(id);
        },
      ),
    );
  }, 30_000);

  it('picks the same when a property is negated and minimised instead of maximised', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[
          pools,
          fc.constantFrom('greedy', 'ucb', 'ei', 'log-ei', 'pi', 'nipv', 'uncertainty'),
          fc.boolean(),
        ],
        async ({ count, seed }, strategy, joint) => {
          const pool = randomPool(count, seed);
          const acquisition = { strategy, batching: joint ? 'joint' : 'top' };
          const negated = { ...pool, mean: pool.mean.map((m) => -m) };
          const up = await chooseBatch(requestOf(pool, { acquisition }));
          const down = await chooseBatch(
            requestOf(negated, { acquisition, direction: 'minimize', incumbent: -0.5 }),
          );
          expect(idsOf(down)).toEqual(idsOf(up));
        },
      ),
    );
  }, 30_000);

  it('draws by chance while there is no model, every candidate equally often', async () => {
    const ids = Array.from({ length: 10 }, (_, i) => idOf(i));
    const counts = new Map<string, number>();
    const rounds = 3000;
    for (let seed = 0; seed < rounds; seed++) {
      const request = requestOf({ ids, mean: [], sigma: [] }, { batchSize: 3, seed });
      const { picks } = await chooseBatch({ ...request, surrogate: null });
      for (const { strategy, value, moleculeId } of picks) {
        expect([strategy, value]).toEqual(['random', undefined]);
        counts.set(moleculeId, (counts.get(moleculeId) ?? 0) + 1);
      }
    }
    // Binomial(3000, 0.3): 900 expected, standard deviation 25.
    for (const id of ids) expect(Math.abs(counts.get(id)! - 900)).toBeLessThan(4.5 * 25);
  }, 30_000);

  it('draws the random share from all candidates, blind to the model, and puts it last under its own name', async () => {
    const n = 20;
    const ids = Array.from({ length: n }, (_, i) => idOf(i));
    const pool: Pool = { ids, mean: ids.map((_, i) => i), sigma: ids.map(() => 0.1) };
    const rounds = 1000;
    let topAtRandom = 0;
    const acquisition = { strategy: 'greedy', randomShare: 0.25 };
    for (let seed = 0; seed < rounds; seed++) {
      const { picks } = await chooseBatch(requestOf(pool, { acquisition, batchSize: 8, seed, part: n }));
      expect(picks.map((pick) => pick.strategy)).toEqual([...Array(6).fill('greedy'), 'random', 'random']);
      if (picks.slice(6).some((pick) => pick.moleculeId === ids[n - 1])) topAtRandom++;
    }
    // The best candidate comes up at random as often as any other: 2 in 20.
    expect(Math.abs(topAtRandom / rounds - 0.1)).toBeLessThan(4.5 * Math.sqrt((0.1 * 0.9) / rounds));
  }, 30_000);

  it('orders expected improvement where the improvement itself is zero in double precision', async () => {
    const pool: Pool = { ids: [0, 1, 2, 3].map(idOf), mean: [-50, -45, -60, -55], sigma: [1, 1, 1, 0] };
    const batch = await chooseBatch(requestOf(pool, { acquisition: { strategy: 'ei' }, batchSize: 4 }));
    expect(idsOf(batch)).toEqual([1, 0, 2, 3].map(idOf));
    expect(batch.picks[0]!.value).toBe(0);
    expect(batch.picks[0]!.reason).toContain('less than 1e-300');
  });

  it('weighs mean and uncertainty as each function says', async () => {
    const pool: Pool = { ids: [0, 1, 2].map(idOf), mean: [1, 0.6, 0.2], sigma: [0.1, 0.9, 2] };
    const first = async (acquisition: object, direction: 'maximize' | 'minimize' = 'maximize') => {
      const { picks } = await chooseBatch(requestOf(pool, { acquisition, direction, batchSize: 1 }));
      return [pool.ids.indexOf(picks[0]!.moleculeId), picks[0]!.value];
    };
    expect(await first({ strategy: 'greedy' })).toEqual([0, 1]);
    expect(await first({ strategy: 'ucb', kappa: 0.1 })).toEqual([0, expect.closeTo(1.01)]);
    expect(await first({ strategy: 'ucb', kappa: 1 })).toEqual([2, 2.2]);
    expect(await first({ strategy: 'ucb', kappa: 1 }, 'minimize')).toEqual([2, -1.8]);
    expect(await first({ strategy: 'ei' })).toEqual([2, expect.closeTo(0.657, 3)]);
    expect(await first({ strategy: 'pi' })).toEqual([0, expect.closeTo(1, 6)]);
    expect(await first({ strategy: 'uncertainty' })).toEqual([2, 2]);
  });

  it('refuses what it cannot choose from', async () => {
    const pool: Pool = { ids: [0, 1].map(idOf), mean: [1, NaN], sigma: [1, 1] };
    const refused = (request: Parameters<typeof chooseBatch>[0]) =>
      chooseBatch(request).then(
        () => 'accepted',
        (error: { code: string }) => error.code,
      );
    expect(await refused(requestOf(pool))).toBe('numerical');
    expect(await refused(requestOf(pool, { pending: [idOf(1)] }))).toBe('accepted');
    const sound: Pool = { ...pool, mean: [1, 2] };
    expect(await refused(requestOf({ ...sound, sigma: [1, -1] }))).toBe('numerical');
    expect(await refused(requestOf({ ...sound, ids: [idOf(0), idOf(0)] }))).toBe('internal');
    expect(await refused(requestOf(sound, { batchSize: -1 }))).toBe('config-invalid');
    expect(await refused(requestOf(sound, { batchSize: 1.5 }))).toBe('config-invalid');
  });
});
