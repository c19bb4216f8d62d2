import fc from 'fast-check';
import { selectBatch } from '../../src/acquisition';
import type { Strategy } from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import { acquisitionOf, idOf, requestOf, type Pool } from './support/requests';

const strategies: Strategy[] = ['random', 'greedy', 'ucb', 'ei', 'thompson'];

/** Values on a coarse lattice, so that ties are common. */
const poolOf = (maxLength: number) =>
  fc.integer({ min: 0, max: maxLength }).chain((n) => {
    const column = fc.array(
      fc.integer({ min: -6, max: 6 }).map((k) => k / 2),
      { minLength: n, maxLength: n },
    );
    const sigma = fc.array(
      fc.integer({ min: 0, max: 4 }).map((k) => k / 2),
      { minLength: n, maxLength: n },
    );
    return fc.record({
      ids: fc.constant(Array.from({ length: n }, (_, i) => idOf(i))),
      mean: column,
      sigma,
      draws: fc.array(column, { minLength: 1, maxLength: 4 }),
    }) as fc.Arbitrary<Pool>;
  });

const permuted = (pool: Pool, order: number[]): Pool => ({
  ids: order.map((i) => pool.ids[i]!),
  mean: order.map((i) => pool.mean[i]!),
  sigma: order.map((i) => pool.sigma[i]!),
  draws: pool.draws.map((draw) => order.map((i) => draw[i]!)),
});

const withoutIndex = (picks: ReturnType<typeof selectBatch>) => picks.map(({ index: _, ...pick }) => pick);
const idsOf = (picks: ReturnType<typeof selectBatch>) => picks.map((pick) => pick.moleculeId);

const setting = fc.record({
  strategy: fc.constantFrom(...strategies),
  randomShare: fc.constantFrom(0, 0.2, 0.5, 1),
  kappa: fc.constantFrom(0, 1, 2.5),
});
const directions = fc.constantFrom('maximize', 'minimize') as fc.Arbitrary<'maximize' | 'minimize'>;

describe('selectBatch', () => {
  it('does not care in which order the pool is listed', () => {
    fc.assert(
      fc.property(
        poolOf(30),
        setting,
        directions,
        fc.nat(),
        fc.integer({ min: 0, max: 12 }),
        (pool, acquisition, direction, seed, batchSize) => {
          const order = createRandom(seed).shuffle(pool.ids.map((_, i) => i));
          const options = { acquisition, direction, batchSize, seed };
          const straight = selectBatch(requestOf(pool, options));
          const shuffled = selectBatch(requestOf(permuted(pool, order), options));
          expect(withoutIndex(shuffled)).toEqual(withoutIndex(straight));
          for (const pick of shuffled) expect(pool.ids[order[pick.index]!]).toBe(pick.moleculeId);
        },
      ),
    );
  });

  it('picks the same when a property is negated and minimised instead of maximised', () => {
    fc.assert(
      fc.property(
        poolOf(25),
        setting,
        fc.option(fc.integer({ min: -4, max: 4 })),
        (pool, acquisition, incumbent) => {
          const negated = {
            ...pool,
            mean: pool.mean.map((m) => -m),
            draws: pool.draws.map((draw) => draw.map((v) => -v)),
          };
          const up = selectBatch(requestOf(pool, { acquisition, incumbent }));
          const down = selectBatch(
            requestOf(negated, {
              acquisition,
              incumbent: incumbent === null ? null : -incumbent,
              direction: 'minimize',
            }),
          );
          expect(idsOf(down)).toEqual(idsOf(up));
          // Expected improvement is a gain either way; the other functions are values of the property itself.
          down.forEach((pick, i) => {
            const sign = pick.strategy === 'ei' ? 1 : -1;
            if (pick.value !== undefined) expect(pick.value).toBeCloseTo(sign * up[i]!.value!, 12);
          });
        },
      ),
    );
  });

  it('gives as many different molecules as asked for or as are left, and never an excluded one', () => {
    fc.assert(
      fc.property(
        poolOf(20),
        setting,
        directions,
        fc.nat({ max: 30 }),
        fc.nat(),
        (pool, acquisition, direction, batchSize, seed) => {
          const excluded = new Set(pool.ids.filter((_, i) => createRandom(seed + i).next() < 0.4));
          const picks = idsOf(
            selectBatch(requestOf(pool, { acquisition, direction, batchSize, excluded, seed })),
          );
          expect(picks).toHaveLength(Math.min(batchSize, pool.ids.length - excluded.size));
          expect(new Set(picks).size).toBe(picks.length);
          expect(picks.filter((id) => excluded.has(id))).toEqual([]);
        },
      ),
    );
  });

  it('keeps a better candidate when a dominated one joins the pool (greedy)', () => {
    fc.assert(
      fc.property(
        poolOf(20),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 4 }),
        (pool, batchSize, sigma) => {
          fc.pre(pool.ids.length > 0);
          const before = selectBatch(requestOf(pool, { acquisition: { strategy: 'greedy' }, batchSize }));
          const worst = Math.min(...before.map((pick) => pool.mean[pick.index]!));
          const grown: Pool = {
            ids: [...pool.ids, idOf('newcomer')],
            mean: [...pool.mean, worst - 0.25],
            sigma: [...pool.sigma, sigma],
            draws: pool.draws.map((draw) => [...draw, 9]),
          };
          const after = idsOf(
            selectBatch(requestOf(grown, { acquisition: { strategy: 'greedy' }, batchSize })),
          );
          for (const id of idsOf(before)) expect(after).toContain(id);
        },
      ),
    );
  });

  it('gives the same batch twice, and another random batch under another seed', () => {
    const pool: Pool = {
      ids: Array.from({ length: 200 }, (_, i) => idOf(i)),
      mean: Array(200).fill(1),
      sigma: Array(200).fill(1),
      draws: [Array(200).fill(1)],
    };
    for (const strategy of strategies) {
      const one = selectBatch(requestOf(pool, { acquisition: { strategy } }));
      expect(selectBatch(requestOf(pool, { acquisition: { strategy } }))).toEqual(one);
      // Everything ties here, so the seed alone decides.
      expect(idsOf(selectBatch(requestOf(pool, { acquisition: { strategy }, seed: 8 })))).not.toEqual(
        idsOf(one),
      );
    }
  });

  it('picks at random while there is no model, whatever the strategy, every candidate equally often', () => {
    const ids = Array.from({ length: 10 }, (_, i) => idOf(i));
    const counts = new Map<string, number>();
    const rounds = 3000;
    for (let seed = 0; seed < rounds; seed++) {
      const picks = selectBatch({
        ...requestOf({ ids, mean: [], sigma: [], draws: [] }),
        candidates: { moleculeIds: ids },
        batchSize: 3,
        seed,
      });
      for (const pick of picks) {
        expect(pick.strategy).toBe('random');
        expect(pick.value).toBeUndefined();
        counts.set(pick.moleculeId, (counts.get(pick.moleculeId) ?? 0) + 1);
      }
    }
    // Binomial(3000, 0.3): 900 expected, standard deviation 25.
    for (const id of ids) expect(Math.abs(counts.get(id)! - 900)).toBeLessThan(4.5 * 25);
  });

  it('draws the random share from all candidates, blind to the model, and puts it last under its own name', () => {
    const n = 20;
    const pool: Pool = {
      ids: Array.from({ length: n }, (_, i) => idOf(i)),
      mean: Array.from({ length: n }, (_, i) => i),
      sigma: Array(n).fill(0.1),
      draws: [],
    };
    const rounds = 2000;
    let topAtRandom = 0;
    for (let seed = 0; seed < rounds; seed++) {
      const picks = selectBatch(
        requestOf(pool, { acquisition: { strategy: 'greedy', randomShare: 0.25 }, batchSize: 8, seed }),
      );
      expect(picks.map((pick) => pick.strategy)).toEqual([...Array(6).fill('greedy'), 'random', 'random']);
      if (picks.slice(6).some((pick) => pick.moleculeId === pool.ids[n - 1])) topAtRandom++;
    }
    // The best candidate comes up at random as often as any other: 2 in 20.
    expect(Math.abs(topAtRandom / rounds - 0.1)).toBeLessThan(4.5 * Math.sqrt((0.1 * 0.9) / rounds));
  });

  it('lets Thompson sampling pick as often as the posterior says a candidate is best', () => {
    const random = createRandom(3);
    const draws = Array.from({ length: 4000 }, () => [random.normal() * 1 + 0, random.normal() * 0.5 + 0.5]);
    let second = 0;
    for (const draw of draws) {
      const pool: Pool = { ids: [idOf('a'), idOf('b')], mean: [0, 0.5], sigma: [1, 0.5], draws: [draw] };
      if (
        selectBatch(requestOf(pool, { acquisition: { strategy: 'thompson' }, batchSize: 1 }))[0]!.index === 1
      )
        second++;
    }
    // P(N(0.5, 0.5^2) > N(0, 1)) = Phi(0.5 / sqrt(1.25)) = 0.6726.
    expect(Math.abs(second / draws.length - 0.6726)).toBeLessThan(
      4.5 * Math.sqrt((0.6726 * 0.3274) / draws.length),
    );
  });

  it('gives every posterior draw its own pick, and goes round again when draws run out', () => {
    const pool: Pool = {
      ids: [idOf(0), idOf(1), idOf(2), idOf(3)],
      mean: [0, 0, 0, 0],
      sigma: [1, 1, 1, 1],
      draws: [
        [4, 3, 2, 1],
        [4, 1, 3, 2],
      ],
    };
    const picks = selectBatch(requestOf(pool, { acquisition: { strategy: 'thompson' }, batchSize: 4 }));
    expect(picks.map((pick) => [pick.index, pick.value])).toEqual([
      [0, 4],
      [2, 3],
      [1, 3],
      [3, 2],
    ]);
  });

  it('orders expected improvement where the improvement itself is zero in double precision', () => {
    const pool: Pool = {
      ids: [0, 1, 2, 3].map(idOf),
      mean: [-50, -45, -60, -55],
      sigma: [1, 1, 1, 0],
      draws: [],
    };
    const picks = selectBatch(requestOf(pool, { acquisition: { strategy: 'ei' }, batchSize: 4 }));
    expect(picks.map((pick) => pick.index)).toEqual([1, 0, 2, 3]);
    expect(picks[0]!.value).toBe(0);
    expect(picks[0]!.reason).toContain('less than 1e-300');
  });

  it('weighs mean and uncertainty as each function says', () => {
    const pool: Pool = { ids: [0, 1, 2].map(idOf), mean: [1, 0.6, 0.2], sigma: [0.1, 0.9, 2], draws: [] };
    const first = (acquisition: object, direction: 'maximize' | 'minimize' = 'maximize') =>
      selectBatch(requestOf(pool, { acquisition, direction, batchSize: 1 }))[0]!;
    expect(first({ strategy: 'greedy' })).toMatchObject({ index: 0, value: 1 });
    expect(first({ strategy: 'ucb', kappa: 0.1 })).toMatchObject({ index: 0, value: 1.01 });
    expect(first({ strategy: 'ucb', kappa: 1 })).toMatchObject({ index: 2, value: 2.2 });
    expect(first({ strategy: 'ucb', kappa: 1 }, 'minimize')).toMatchObject({ index: 2, value: -1.8 });
    expect(first({ strategy: 'ei' })).toMatchObject({ index: 2 });
  });

  it('measures improvement from the best prediction while every measurement is censored', () => {
    const pool: Pool = { ids: [0, 1].map(idOf), mean: [1, 2], sigma: [0.5, 0.5], draws: [] };
    const [pick] = selectBatch(
      requestOf(pool, { acquisition: { strategy: 'ei' }, incumbent: null, batchSize: 1 }),
    );
    expect(pick).toMatchObject({
      index: 1,
      reason: 'Expected to improve on the best prediction (2.00) by 0.2: predicted 2.00 ± 0.50.',
    });
  });

  it('ranks a hundred thousand candidates', () => {
    const n = 100_000;
    const random = createRandom(1);
    const mean = Float64Array.from({ length: n }, () => random.normal());
    const candidates = {
      moleculeIds: Array.from({ length: n }, (_, i) => `mol_${i.toString(16).padStart(32, '0')}`),
      model: { mean, sigma: mean.map(Math.abs) },
    };
    const picks = selectBatch({
      ...requestOf({ ids: [], mean: [], sigma: [], draws: [] }),
      candidates,
      batchSize: 500,
      acquisition: acquisitionOf({ strategy: 'greedy' }),
    });
    expect(picks.map((pick) => pick.value)).toEqual([...mean].sort((a, b) => b - a).slice(0, 500));
  }, 20_000);
});
