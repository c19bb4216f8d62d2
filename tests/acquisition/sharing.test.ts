import fc from 'fast-check';
import {
  chooseBatch,
  joinLists,
  planLists,
  scoreLists,
  type BatchRules,
  type ChosenBatch,
  type ChooseRequest,
  type ScoredLists,
  type StoredList,
} from '../../src/acquisition';
import { strategySchema } from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import { fingerprintsOf, idOf, randomPool, requestOf } from './support/requests';
import { randomProperties, severalOf } from './support/several';

const oneProperty = strategySchema.options.filter((strategy) => strategy !== 'ehvi');
const setting = fc.record({
  strategy: fc.constantFrom(...oneProperty),
  batching: fc.constantFrom('top', 'joint', 'auto'),
  randomShare: fc.constantFrom(0, 0.25),
});
const goals = fc.constantFrom(
  { kind: 'best' as const },
  { kind: 'learn' as const },
  { kind: 'actives' as const, threshold: 0.5 },
  { kind: 'range' as const, from: 0.25, to: 0.5 },
);

/** Two of each of three kinds at most, which the ids decide; those of the fourth are never allowed. */
const rules: BatchRules = {
  admits: (id) => kindOf(id) !== 3,
  begin: (size) => {
    const taken = [0, 0, 0];
    const whyNot = (id: string) => (taken[kindOf(id)]! < 2 ? null : 'there are two of the kind');
    return {
      ...{ size, required: [], whyNot },
      fits: (id) => whyNot(id) === null,
      take: (id) => void taken[kindOf(id)]!++,
    };
  },
};
const kindOf = (id: string) => parseInt(id.at(-1)!, 16) % 4;

/** As a sheet has it: JSON knows one zero. */
const written = (batch: ChosenBatch) => JSON.parse(JSON.stringify(batch)) as ChosenBatch;

interface Sharing {
  readonly groups: number;
  readonly seed: number;
  /** Lists are made no longer than this. */
  readonly most?: number;
}

/** The lists as several processes would make them, each of its group of the pool; what goes between them is JSON. */
async function sharedOut(request: ChooseRequest, { groups, seed, most = Infinity }: Sharing) {
  const random = createRandom(seed);
  const own: string[][] = Array.from({ length: groups }, () => []);
  for (const id of random.shuffle([...request.moleculeIds])) own[random.below(groups)]!.push(id);
  const stored: StoredList[] = [];
  let scored: ScoredLists | undefined;
  for (let more = true; more;) {
    const plan = planLists(request, request.rules !== undefined, scored);
    const lists = plan.lists.map((list) => ({ ...list, count: Math.min(most, list.count) }));
    if (lists.length === 0) break;
    for (const ids of own) {
      const part = { ...request, moleculeIds: ids, features: () => [fingerprintsOf(ids)] };
      stored.push(...(JSON.parse(JSON.stringify(await scoreLists(part, lists))) as StoredList[]));
    }
    scored = joinLists(request.seed, random.shuffle([...stored]));
    more = plan.more;
  }
  return scored;
}

/** As the request, and how often the pool is gone through. */
function counted(request: ChooseRequest) {
  const passes = { made: 0 };
  const features = () => {
    passes.made++;
    return request.features();
  };
  return { passes, request: { ...request, features } };
}

describe('shortlists made in parts', () => {
  const sharing = fc.record({
    ...{ groups: fc.integer({ min: 1, max: 5 }), seed: fc.nat() },
    most: fc.constantFrom(undefined, 1, 3, 8),
  });

  it('give the batch that one pass over the whole pool gives, however long they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[fc.nat({ max: 30 }), setting, goals, fc.nat({ max: 9 })],
        fc.record({ incumbent: fc.constantFrom(null, 0.5), ruled: fc.boolean() }),
        sharing,
        async (count, acquisition, goal, batchSize, { incumbent, ruled }, shared) => {
          const pool = randomPool(count, shared.seed);
          const request = requestOf(pool, {
            ...{ acquisition, goal, batchSize, incumbent, seed: shared.seed },
            measured: [1, 2, 3].map((i) => idOf(`measured ${i}`)),
            pending: pool.ids.filter((_, i) => i % 5 === 0),
            ...(ruled && { rules }),
          });
          const scored = await sharedOut(request, shared);
          expect(written(await chooseBatch({ ...request, scored }))).toEqual(
            written(await chooseBatch(request)),
          );
        },
      ),
      { numRuns: 200 },
    );
  }, 120_000);

  it('give the same trade-offs of several properties', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[fc.integer({ min: 2, max: 3 }), fc.nat({ max: 20 }), fc.nat({ max: 6 }), fc.boolean()],
        fc.constantFrom('auto', 'ehvi', 'thompson'),
        sharing,
        async (properties, molecules, batchSize, alone, strategy, shared) => {
          const all = randomProperties(properties, molecules, shared.seed);
          const whole = severalOf(all, { acquisition: { strategy }, batchSize, seed: shared.seed });
          // With one model left the best of its property is looked for.
          const others = whole.others!.map((other) => (alone ? { ...other, surrogate: null } : other));
          const request = { ...whole, others };
          const scored = await sharedOut(request, shared);
          expect(written(await chooseBatch({ ...request, scored }))).toEqual(
            written(await chooseBatch(request)),
          );
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);

  test.each([
    ['greedy', 'best', 0.5],
    ['ucb', 'best', 0.5],
    ['ei', 'best', 0.5],
    ['log-ei', 'best', 0.5],
    ['log-ei', 'best', null],
    ['pi', 'actives', 0.5],
    ['log-ei', 'range', 0.5],
    ['auto', 'best', 0.5],
    ['thompson', 'best', 0.5],
    ['max-determinant', 'learn', 0.5],
    ['uncertainty', 'learn', 0.5],
    ['bald', 'learn', 0.5],
  ] as const)(
    'spare the one who chooses every pass over the pool (%s for %s, best measured %s)',
    async (strategy, kind, incumbent) => {
      const goal = {
        best: { kind: 'best' as const },
        learn: { kind: 'learn' as const },
        actives: { kind: 'actives' as const, threshold: 0.5 },
        range: { kind: 'range' as const, from: 0.25, to: 0.5 },
      }[kind];
      for (const batching of ['top', 'joint', 'auto'] as const)
        for (const ruled of [false, true]) {
          const acquisition = { strategy, batching };
          const { request, passes } = counted(
            requestOf(randomPool(40, 3), { acquisition, goal, incumbent, ...(ruled && { rules }) }),
          );
          const scored = await sharedOut(request, { groups: 3, seed: 1 });
          passes.made = 0;
          const { picks } = await chooseBatch({ ...request, scored });
          expect([picks.length, passes.made]).toEqual([5, 0]);
        }
    },
  );

  it('reach as far where some of them are drawn by chance first', async () => {
    const properties = randomProperties(2, 700, 5);
    const acquisition = { strategy: 'thompson', randomShare: 0.5 };
    const { request, passes } = counted(severalOf(properties, { acquisition, batchSize: 40, part: 350 }));
    const scored = await sharedOut(request, { groups: 3, seed: 1 });
    passes.made = 0;
    const { picks } = await chooseBatch({ ...request, scored });
    expect(picks.filter(({ strategy }) => strategy === 'random')).toHaveLength(20);
    expect(passes.made).toBe(0);
  });

  it('are planned for no strategy that looks at a sample or at distances', () => {
    const pool = randomPool(9, 1);
    for (const strategy of ['random', 'nipv', 'core-set', 'maxmin'])
      expect(planLists(requestOf(pool, { acquisition: { strategy } }), false).lists).toEqual([]);
    expect(planLists({ ...requestOf(pool), surrogate: null }, false).lists).toEqual([]);
  });

  it('are not joined where parts made them of different lengths', async () => {
    const request = requestOf(randomPool(9, 1));
    const { lists } = planLists(request, false);
    const short = lists.map((list) => ({ ...list, count: 1 }));
    const stored = [...(await scoreLists(request, lists)), ...(await scoreLists(request, short))];
    expect(() => joinLists(1, stored)).toThrow(/shortlists of 13, 1; expected one length/);
  });
});
