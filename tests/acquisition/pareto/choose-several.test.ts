import fc from 'fast-check';
import { chooseBatch, type BatchRules, type ChosenBatch } from '../../../src/acquisition';
import { PARETO_STRATEGIES } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import { idOf, requestOf, type Pool } from '../support/requests';
import { measuredId, randomProperties, severalOf, type Property } from '../support/several';

const idsOf = ({ picks }: ChosenBatch) => picks.map(({ moleculeId }) => moleculeId);
const cases = fc.record({
  count: fc.integer({ min: 2, max: 4 }),
  molecules: fc.nat({ max: 20 }),
  seed: fc.nat(),
  strategy: fc.constantFrom('auto', 'ehvi', 'thompson'),
  batchSize: fc.nat({ max: 7 }),
});

/** Every column of the pool in another order. */
function shuffled(property: Property, seed: number): Property {
  const { ids, mean, sigma } = property.pool;
  const order = createRandom(seed).shuffle([...ids.keys()]);
  const take = <T>(column: readonly T[]) => order.map((i) => column[i]!);
  return { ...property, pool: { ids: take(ids), mean: take(mean), sigma: take(sigma) } };
}

/** The property in another unit: value x factor + offset. */
function inUnit(property: Property, factor: number, offset: number): Property {
  const of = (value: number) => value * factor + offset;
  const { pool, elsewhere, values, reference } = property;
  const converted = (own: Pool): Pool => ({
    ids: own.ids,
    mean: own.mean.map(of),
    sigma: own.sigma.map((sigma) => sigma * factor),
  });
  return {
    ...property,
    pool: converted(pool),
    ...(elsewhere && { elsewhere: converted(elsewhere) }),
    values: new Map([...values].map(([id, value]) => [id, of(value)])),
    ...(reference !== undefined && { reference: of(reference) }),
  };
}

describe('a batch for several properties', () => {
  it('depends neither on the order of the pool or its parts nor on that of the properties', async () => {
    await fc.assert(
      fc.asyncProperty(
        cases,
        fc.integer({ min: 1, max: 30 }),
        async ({ count, molecules, seed, batchSize, strategy }, part) => {
          const properties = randomProperties(count, molecules, seed);
          const pending = properties[0]!.pool.ids.filter((_, i) => i % 5 === 4);
          const options = { acquisition: { strategy }, batchSize, seed, pending };
          const straight = await chooseBatch(severalOf(properties, options));
          const listed = createRandom(seed).shuffle(properties.map((each) => shuffled(each, seed)));
          const again = await chooseBatch(severalOf(listed, { ...options, part }));
          const told = ({ picks, decision, passedOver }: ChosenBatch) => ({
            ...{ decision, passedOver },
            picks: picks.map(({ predicted: _, others: __, ...pick }) => pick),
          });
          expect(told(again)).toEqual(told(straight));
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);

  it('holds as many different molecules as asked for or as are left, none that is at the lab', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[cases, fc.constantFrom(...PARETO_STRATEGIES), fc.constantFrom(0, 0.3)],
        async ({ count, molecules, seed, batchSize }, strategy, randomShare) => {
          const properties = randomProperties(count, molecules, seed);
          const { ids } = properties[0]!.pool;
          const pending = ids.filter((_, i) => createRandom(seed + i).next() < 0.4);
          const options = { acquisition: { strategy, randomShare }, batchSize, seed, pending };
          const picks = idsOf(await chooseBatch(severalOf(properties, options)));
          expect(picks).toHaveLength(Math.min(batchSize, ids.length - pending.length));
          expect(new Set(picks).size).toBe(picks.length);
          expect(picks.filter((id) => pending.includes(id))).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  it('does not change with the unit of a property, whether the reference is given in it or left out', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[cases, fc.constantFrom(0.25, 1024, 3.7), fc.constantFrom(0, -40), fc.boolean()],
        async ({ count, molecules, seed, batchSize, strategy }, factor, offset, given) => {
          const properties = randomProperties(count, molecules, seed).map((each, i) =>
            given && i === 0 ? { ...each, reference: each.direction === 'maximize' ? -0.5 : 0.5 } : each,
          );
          const options = { acquisition: { strategy }, batchSize, seed };
          const before = idsOf(await chooseBatch(severalOf(properties, options)));
          const converted = properties.map((each, i) => (i < 2 ? inUnit(each, factor, offset) : each));
          expect(idsOf(await chooseBatch(severalOf(converted, options)))).toEqual(before);
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);

  it('keeps the rules, and tells of what they refused', async () => {
    const properties = randomProperties(2, 20, 3);
    const [best] = idsOf(await chooseBatch(severalOf(properties, { batchSize: 1 })));
    const rules: BatchRules = {
      admits: () => true,
      begin: (size) => ({
        ...{ size, required: [], take: () => undefined },
        whyNot: (id) => (id === best ? 'not in stock' : null),
        fits: (id) => id !== best,
      }),
    };
    for (const strategy of ['ehvi', 'thompson']) {
      const { picks } = await chooseBatch(
        severalOf(properties, { rules, batchSize: 19, acquisition: { strategy } }),
      );
      expect(picks).toHaveLength(19);
      expect(picks.map(({ moleculeId }) => moleculeId)).not.toContain(best);
    }
    const { picks } = await chooseBatch(severalOf(properties, { rules, batchSize: 1 }));
    expect(picks[0]!.passedOver).toEqual([
      { moleculeId: best, value: expect.any(Number), why: 'not in stock' },
    ]);
  });
});

/** Candidates on a line of trade-offs, and one below it; both properties are to be maximised. */
const line = (sigma: number): Property[] => {
  const ids = [0, 1, 2, 3, 4].map(idOf);
  const values = (all: number[]) => new Map(all.map((value, i) => [measuredId(i), value]));
  return [
    {
      property: 'potency',
      direction: 'maximize',
      pool: { ids, mean: [1, 0.7, 0.4, 0.3, 0.95], sigma: ids.map(() => sigma) },
      values: values([0.6, 0.3, 0]),
      reference: 0,
    },
    {
      property: 'solubility',
      direction: 'maximize',
      pool: { ids, mean: [0.4, 0.7, 1, 0.3, 0.41], sigma: ids.map(() => sigma) },
      values: values([0.3, 0.6, 0]),
      reference: 0,
    },
  ];
};

describe('expected hypervolume improvement of a batch', () => {
  test('takes the trade-offs one after the other, not what lies beside or below what it has', async () => {
    const { picks, passedOver } = await chooseBatch(severalOf(line(0.01), { batchSize: 3 }));
    expect(new Set(picks.map(({ moleculeId }) => moleculeId))).toEqual(new Set([0, 1, 2].map(idOf)));
    expect(picks[0]!.moleculeId).toBe(idOf(1));
    // 0.7 x 0.7 less what the measured molecules cover of it: 0.6 x 0.3 twice, less 0.3 x 0.3.
    expect(picks[0]!.value).toBeCloseTo(0.49 - 0.27, 2);
    expect(passedOver[0]).toMatchObject({
      moleculeId: idOf(4),
      why: expect.stringContaining('The batch covers'),
    });
    expect(picks[0]!.reason).toMatch(
      /^Expected to add 8\d % to the hypervolume, moving the front in its middle; not dominated with a probability of 100 %: potency predicted 0.700 ± 0.010, solubility predicted 0.700 ± 0.010\.$/,
    );
    expect(picks.map(({ reason }) => /moving the front (.*);/.exec(reason)![1]).sort()).toEqual([
      'in its middle',
      'where potency is at its best',
      'where solubility is at its best',
    ]);
  });

  test('does not look again for what the lab is already at', async () => {
    const pending = [idOf(1)];
    const { picks } = await chooseBatch(severalOf(line(0.01), { batchSize: 2, pending }));
    expect(picks.map(({ moleculeId }) => moleculeId).sort()).toEqual([idOf(0), idOf(2)].sort());
  });

  test('takes molecules with some of their values for what the models make of the others', async () => {
    const [potency, solubility] = line(0.01) as [Property, Property];
    // Its solubility is missing, and expected to be as high as its potency, which the model had not expected: it leaves the middle of the front to nobody. What the model thought of its potency no longer counts.
    const half = idOf('half');
    const pool = (property: Property, mean: number) => ({
      ...{
        mean: [...property.pool.mean, mean],
        sigma: [...property.pool.sigma, 0.01],
        ids: [...property.pool.ids, half],
      },
    });
    const measured = {
      ...potency,
      pool: pool(potency, 0.2),
      values: new Map([...potency.values, [half, 0.9]]),
    };
    const request = severalOf([measured, { ...solubility, pool: pool(solubility, 0.9) }], { batchSize: 1 });
    const moleculeIds = [0, 1, 2, 3, 4].map(idOf);
    const { picks } = await chooseBatch({ ...request, moleculeIds });
    expect(picks[0]!.moleculeId).not.toBe(idOf(1));
    // A deviation that could be anything takes nothing away.
    const unknown = {
      ...solubility,
      pool: { ...pool(solubility, -9), sigma: [...solubility.pool.sigma, 0.01] },
    };
    const open = severalOf([measured, unknown], { batchSize: 1 });
    expect(idsOf(await chooseBatch({ ...open, moleculeIds }))).toEqual([idOf(1)]);
  });

  test('tells what the models say of every property, and the nearest measured molecule', async () => {
    const { picks, decision } = await chooseBatch(severalOf(line(0.1), { batchSize: 1 }));
    const [pick] = picks;
    expect(pick!.predicted!.mean).toBe(0.7);
    expect(pick!.others).toEqual([
      {
        ...{ property: 'solubility', predicted: 0.7, standardDeviation: Math.hypot(0.1, 0.5) },
        interval90: [expect.closeTo(0.7 - 1.645 * 0.51, 2), expect.closeTo(0.7 + 1.645 * 0.51, 2)],
      },
    ]);
    expect(pick!.nearest).toBeDefined();
    expect(decision.parts).toEqual([{ strategy: 'ehvi', batching: 'joint', share: 1 }]);
    expect(decision.why).toBe(
      'The goal is the best trade-offs of potency (maximised) and solubility (maximised), from potency 0, solubility 0 on; 2 measured molecules are on the front beyond it. The campaign chooses by ehvi.',
    );
  });

  test('orders what can hardly add to the front by how near it comes', async () => {
    const far = line(0.01)
      .map((each) => inUnit(each, 1, 0))
      .map((each) => ({
        ...each,
        pool: { ...each.pool, mean: each.pool.mean.map((mean) => mean - 3) },
      }));
    const { picks } = await chooseBatch(severalOf(far, { batchSize: 5 }));
    expect(idsOf({ picks } as ChosenBatch)[0]).toBe(idOf(1));
    expect(picks.at(-1)!.moleculeId).toBe(idOf(3));
    expect(picks[0]!.reason).toContain('Hardly adds to the front');
    expect(picks[0]!.value).toBe(0);
  });
});

describe('a property that cannot be traded off', () => {
  const [potency, solubility] = line(0.2) as [Property, Property];
  const third: Property = { ...potency, property: 'clearance', direction: 'minimize' };
  const without = (...properties: Property[]) => {
    const request = severalOf(properties);
    return {
      ...request,
      others: request.others!.map((each) =>
        each.property === 'clearance' ? { ...each, surrogate: null } : each,
      ),
    };
  };

  test('is left out, and the batch is that of the others', async () => {
    const batch = await chooseBatch(without(potency, solubility, third));
    const alone = await chooseBatch(severalOf([potency, solubility]));
    expect(idsOf(batch)).toEqual(idsOf(alone));
    expect(batch.decision.why).toContain('clearance is left out: there is no model of it yet.');
    const alike = { ...third, values: new Map([...third.values].map(([id]) => [id, 1])) };
    const constant = await chooseBatch(severalOf([potency, solubility, alike]));
    expect(idsOf(constant)).toEqual(idsOf(alone));
    expect(constant.decision.why).toContain('clearance is left out: all values of it are alike.');
    const censored = await chooseBatch(severalOf([potency, solubility, { ...third, values: new Map() }]));
    expect(censored.decision.why).toContain('nothing uncensored was measured of it yet');
  });

  test('leaves the best of the one that is left, whichever it is', async () => {
    const batch = await chooseBatch(without(potency, third));
    expect(batch.decision.why).toContain('there is potency alone to go by. clearance is left out');
    const best = requestOf(potency.pool, { acquisition: { strategy: 'log-ei' }, incumbent: 0.6 });
    expect(idsOf(batch)).toEqual(idsOf(await chooseBatch(best)));
    // The first one has no model: the other, which is to be minimised, decides.
    const other = await chooseBatch({
      ...severalOf([potency, { ...third, pool: solubility.pool }]),
      surrogate: null,
    });
    const least = { acquisition: { strategy: 'log-ei' }, direction: 'minimize', incumbent: 0 } as const;
    expect(idsOf(other)).toEqual(idsOf(await chooseBatch(requestOf(solubility.pool, least))));
    expect(other.picks[0]!.predicted).toBeUndefined();
    expect(other.picks[0]!.others).toHaveLength(1);
  });

  test('leaves chance where none has a model', async () => {
    const { picks, decision } = await chooseBatch({ ...without(potency, third), surrogate: null });
    expect(picks.every(({ strategy }) => strategy === 'random')).toBe(true);
    expect(decision.why).toContain('no property to go by yet');
  });
});

describe('the strategies of several properties', () => {
  const request = (strategy: string, more = {}) =>
    severalOf(line(0.2), { acquisition: { strategy }, ...more });

  test('auto gives picks to the property whose model hardly ranks', async () => {
    const heldOut = { rmse: 1, spread: 1, spearman: 0.05 };
    const skilled = { ...heldOut, spearman: 0.9 };
    const auto = request('auto', { evidence: { labels: 10, round: 2, heldOut: skilled } });
    const weak = { ...auto, others: [{ ...auto.others![0]!, heldOut }] };
    const { decision, picks } = await chooseBatch(weak);
    expect(decision.parts.map(({ strategy, share }) => [strategy, share])).toEqual([
      ['ehvi', 0.7],
      ['nipv', 0.3],
    ]);
    expect(decision.why).toContain('The model of solubility hardly ranks');
    expect(picks.map(({ strategy }) => strategy)).toContain('nipv');
    const strong = { ...auto, others: [{ ...auto.others![0]!, heldOut: skilled }] };
    expect((await chooseBatch(strong)).decision.parts).toHaveLength(1);
  });

  test('thompson spreads over the front', async () => {
    const { picks } = await chooseBatch(
      severalOf(line(0.001), { acquisition: { strategy: 'thompson' }, batchSize: 3 }),
    );
    expect(picks.map(({ moleculeId }) => moleculeId).sort()).not.toContain(idOf(3));
    expect(picks[0]!.reason).toMatch(
      /^Best of those left in draw 1 of 3 .*looked at as 97 % potency and 3.4 % solubility: /,
    );
  });

  test.each(['greedy', 'log-ei', 'nipv', 'max-determinant'])(
    '%s goes by one property, and says so',
    async (strategy) => {
      await expect(chooseBatch(request(strategy))).rejects.toMatchObject({ code: 'config-invalid' });
    },
  );

  test('ehvi needs several properties, which differ', async () => {
    const one = requestOf(line(0.1)[0]!.pool, { acquisition: { strategy: 'ehvi' } });
    await expect(chooseBatch(one)).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(chooseBatch({ ...one, goal: { kind: 'pareto' } })).rejects.toMatchObject({
      code: 'internal',
    });
    const [potency] = line(0.1);
    await expect(chooseBatch(severalOf([potency!, potency!]))).rejects.toMatchObject({ code: 'internal' });
  });

  test('a prediction that is no number is refused, of whichever property', async () => {
    const [potency, solubility] = line(0.1) as [Property, Property];
    const broken = {
      ...solubility,
      pool: { ...solubility.pool, mean: [NaN, ...solubility.pool.mean.slice(1)] },
    };
    await expect(chooseBatch(severalOf([potency, broken]))).rejects.toMatchObject({ code: 'numerical' });
  });
});
