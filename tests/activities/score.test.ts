import type { AcquireRequest } from '../../activities/gpu/acquire';
import { createScore } from '../../activities/gpu/score';
import { jsonArtifacts } from '../../activities/shared/artifacts';
import { withPulse } from '../../activities/shared/heartbeat';
import type { CampaignConfigInput, Cut, ResolvedList, RuleInputs } from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import type { FitRequest, Learning } from '../../src/learning';
import type { StandingResult } from '../../src/warehouse/knowledge';
import { withChanges } from '../rollout/support/real-models';
import {
  AFRESH,
  configOf,
  measuredRow,
  openRounds,
  type AcquireChanges,
  type Rounds,
} from './support/rounds';

const SIZES = [50, 70, 30, 60, 30];
const AT_ONCE = 2;
const LABELS = 24;
const NETWORKS: FitRequest['settings'] = {
  ...{ family: 'mlp-ensemble', members: 2, epochs: 2, batchSize: 16, learningRate: 0.01 },
  ...{ hidden: [8], dropout: 0, weightDecay: 0 },
};

describe('a pool whose scoring is shared out', () => {
  let rounds: Rounds;
  let known: AcquireChanges;
  const labelled: StandingResult[] = [];
  const evidence = { round: 2, roundsLeft: 3, heldOut: { rmse: 0.3, spearman: 0.7, coverage90: 0.9 } };
  const artifacts = () => jsonArtifacts(rounds.objects);

  beforeAll(async () => {
    rounds = await openRounds(SIZES);
    const first = createRandom(3)
      .shuffle([...rounds.ids])
      .slice(0, LABELS);
    labelled.push(...first.map((id) => measuredRow(rounds, id, 1)));
    const { cut, stock } = await rounds.cutOf(labelled, [], 2);
    known = { cut, model: await rounds.modelOf(stock.training), evidence };
  });
  afterAll(() => rounds.close());

  /** A learning service that counts the rows its models were asked about. */
  function counting() {
    const asked = { rows: 0 };
    const load: Learning['load'] = async (family, bytes) => {
      const model = await rounds.learning.load(family, bytes);
      return withChanges(model, {
        predict: (features, signal) => {
          asked.rows += features.rows;
          return model.predict(features, signal);
        },
        ...(model.best && {
          best: (features, request, signal) => {
            asked.rows += features.rows;
            return model.best!(features, request, signal);
          },
        }),
      });
    };
    return { asked, ports: rounds.portsOf({ learning: withChanges(rounds.learning, { load }) }) };
  }

  /** The batch chosen by one, the batch chosen from what groups of shards found, and the rows that the latter's chooser asked the model about. */
  async function both(changes: AcquireChanges, shardsPerTask = AT_ONCE) {
    const alone = await rounds.acquire(changes);
    const scored = await rounds.score(changes, shardsPerTask);
    const { asked, ports } = counting();
    const shared = await rounds.acquire({ ...changes, scored }, { ...ports, training: AFRESH });
    return { alone, shared, groups: scored.length, asked: asked.rows };
  }
  const acquisitionOf = (acquisition: CampaignConfigInput['acquisition']) =>
    configOf({ acquisition }).acquisition;

  test.each([
    ['ucb', 'top'],
    ['ei', 'top'],
    ['greedy', 'top'],
    ['log-ei', 'joint'],
    ['uncertainty', 'joint'],
    ['thompson', 'auto'],
    ['max-determinant', 'auto'],
    ['auto', 'auto'],
  ] as const)(
    'gives the batch that one gives who scores it all: %s, %s; with a random share, with molecules at the lab',
    async (strategy, batching) => {
      const changes = { ...known, acquisition: acquisitionOf({ strategy, batching, randomShare: 0.25 }) };
      const { alone, shared, groups, asked } = await both(changes);
      expect(shared).toEqual(alone);
      expect(groups).toBe(Math.ceil(SIZES.length / AT_ONCE));
      // Of the pool not one more than its joint strategies look at: those on the shortlists, here all that there are.
      if (batching === 'top') expect(asked).toBe(alone.picks.length);

      const out = alone.picks.slice(0, 3).map(({ moleculeId }) => moleculeId);
      const { cut } = await rounds.cutOf(labelled, [{ batchId: 'b', afterChunks: 1, moleculeIds: out }], 2);
      const later = await both({ ...changes, cut, batchSize: 7 }, 1);
      expect(later.shared).toEqual(later.alone);
      expect(later.groups).toBe(SIZES.length);
      expect(later.alone.picks.some(({ moleculeId }) => out.includes(moleculeId))).toBe(false);
    },
  );

  test('by networks too', async () => {
    const { stock } = await rounds.cutOf(labelled, [], 2);
    const model = await rounds.modelOf(stock.training, NETWORKS);
    const { alone, shared } = await both({
      ...known,
      model,
      acquisition: acquisitionOf({ strategy: 'ucb' }),
    });
    expect(shared).toEqual(alone);
  });

  test('finds the best prediction first, where every measurement is censored', async () => {
    const censored = labelled.map(({ chunk, result }): StandingResult => ({
      chunk,
      result: { ...result, qualifier: '>' },
    }));
    const { cut } = await rounds.cutOf(censored, [], 2);
    const { alone, shared, groups, asked } = await both({
      ...known,
      cut,
      acquisition: acquisitionOf({ strategy: 'pi', batching: 'top' }),
    });
    expect(shared).toEqual(alone);
    expect(groups).toBe(2 * Math.ceil(SIZES.length / AT_ONCE));
    expect(asked).toBe(alone.picks.length);
  });

  test('keeps the rules: each group asks them about its own shards', async () => {
    const listOf = async (ids: readonly string[]): Promise<ResolvedList> => ({
      rows: await artifacts().putRows(ids.map((moleculeId) => ({ moleculeId }))),
      ...{ count: ids.length, unreadable: 0, examples: [] },
    });
    const plain = await rounds.acquire({ ...known, acquisition: acquisitionOf({ strategy: 'ucb' }) });
    const best = plain.picks.map(({ moleculeId }) => moleculeId);
    const measured = new Set(labelled.map(({ result }) => result.moleculeId));
    const wanted = rounds.ids.filter((id) => !measured.has(id)).at(-1)!;
    // logP of every third molecule is too high; a scaffold is shared by about seven.
    const screened = await Promise.all(
      SIZES.map((size, shard) => {
        const from = SIZES.slice(0, shard).reduce((sum, each) => sum + each, 0);
        return artifacts().putRows(
          rounds.ids.slice(from, from + size).map((moleculeId, i) => ({
            ...{ moleculeId, properties: [(from + i) % 3 === 0 && moleculeId !== wanted ? 9 : 2] },
            scaffold: `scaffold ${i % 35}`,
          })),
        );
      }),
    );
    const inputs: RuleInputs = {
      exclude: [await listOf(best.slice(0, 2))],
      include: [await listOf([wanted])],
      screening: [
        await artifacts().putJson(screened.slice(0, 3)),
        await artifacts().putJson(screened.slice(3)),
      ],
    };
    const constraints = {
      ...{ properties: { logP: { to: 5 } }, perScaffold: 1 },
      exclude: { molecules: best.slice(0, 2) },
      include: { molecules: [wanted] },
    };
    for (const batching of ['top', 'joint'] as const) {
      const acquisition = acquisitionOf({ strategy: 'ucb', batching, constraints });
      const { alone, shared } = await both({ ...known, acquisition, rules: { inputs, spent: 0 } });
      expect(shared).toEqual(alone);
      expect(alone.picks[0]!.moleculeId).toBe(wanted);
      expect(alone.rules).toMatchObject({ picked: 12 });
    }
  });

  test('trades several properties off', async () => {
    const { stock } = await rounds.cutOf(labelled, [], 2);
    const further = stock.training.map((row, i) => ({ ...row, value: (i * 7) % LABELS }));
    const model = await rounds.modelOf(further);
    const cut = {
      ...known.cut,
      others: [{ property: 'q', training: await artifacts().putRows(further), labels: LABELS }],
    } as unknown as Cut;
    const objective = configOf({
      objective: {
        ...{ property: 'p', direction: 'maximize', goal: 'pareto' },
        others: [{ property: 'q', direction: 'minimize' }],
      },
    }).objective;
    const others: AcquireRequest['others'] = [
      { property: 'q', model: { ...model, heldOut: evidence.heldOut } },
    ];
    const { alone, shared } = await both({ ...known, cut, objective, others });
    expect(alone.decision!.parts[0]!.strategy).toBe('ehvi');
    expect(shared).toEqual(alone);
  });

  test('is scored once, whoever asks again, and not at all where a training job chooses', async () => {
    const { planScoring, scoreCandidates } = createScore(rounds.portsOf());
    const request = rounds.requestOf(known);
    const { lists } = await withPulse(PULSE, () => planScoring(request));
    const range = { from: 0, to: 2 };
    const ask = (seed: number) => withPulse(PULSE, () => scoreCandidates({ ...request, lists, range, seed }));
    const first = await ask(91);
    const again = await ask(91);
    expect([first.cached, again.cached, again.value]).toEqual([false, true, first.value]);
    expect((await ask(92)).cached).toBe(false);
    const measured = new Set(labelled.map(({ result }) => result.moleculeId));
    const own = rounds.ids.slice(0, SIZES[0]! + SIZES[1]!).filter((id) => !measured.has(id));
    expect(first.value.candidates).toBe(own.length);

    const ports = rounds.portsOf();
    const elsewhere = createScore({ ...ports, training: { ...ports.training, runsHere: () => false } });
    expect(await withPulse(PULSE, () => elsewhere.planScoring(request))).toEqual({ lists: [], more: false });
  });

  test('stops when it is told to', async () => {
    const controller = new AbortController();
    const { planScoring, scoreCandidates } = createScore(rounds.portsOf());
    const request = rounds.requestOf({ ...known, seed: 93 });
    const { lists } = await withPulse(PULSE, () => planScoring(request));
    controller.abort();
    const pulse = { cancellationSignal: controller.signal, heartbeat: () => undefined };
    const scoring = withPulse(pulse, () => scoreCandidates({ ...request, lists, range: { from: 0, to: 2 } }));
    await expect(scoring).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('chooses from no lists that leave a part of the pool out', async () => {
    const scored = await rounds.score(known, AT_ONCE);
    const given = [scored.slice(1), scored.slice(0, 2), [...scored, scored[0]!]];
    for (const lists of given) {
      const chosen = rounds.acquire({ ...known, scored: lists, seed: 94 });
      await expect(chosen).rejects.toThrow(/the pool has 5/);
    }
  });
});

const PULSE = { cancellationSignal: new AbortController().signal, heartbeat: () => undefined };
