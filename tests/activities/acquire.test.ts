import { createRandom } from '../../src/foundation';
import type { OpenedBatch, StandingResult } from '../../src/warehouse/knowledge';
import { BATCH, configOf, measuredRow, openRounds, smilesOf, type Rounds } from './support/rounds';

const ROWS = 240;

describe('the batch of a round', () => {
  let rounds: Rounds;

  beforeAll(async () => {
    // Two shards, so that more than one is read.
    rounds = await openRounds([100, ROWS - 100]);
  });
  afterAll(() => rounds.close());

  const start = (): StandingResult[] =>
    createRandom(3)
      .shuffle([...rounds.ids])
      .slice(0, 24)
      .map((id) => measuredRow(rounds, id, 1));

  test.each([
    ['auto', 'auto'],
    ['log-ei', 'joint'],
    ['log-ei', 'top'],
    ['thompson', 'auto'],
    ['maxmin', 'auto'],
  ] as const)(
    'never holds what is at the lab, failed or known, whatever comes back; what was abandoned may come again (%s, %s)',
    async (strategy, batching) => {
      const { acquisition } = configOf({ acquisition: { strategy, batching } });
      const random = createRandom(11);
      const results = start();
      const batches: OpenedBatch[] = [];
      let abandonedBefore = new Set<string>();
      let cameAgain = 0;
      for (let round = 1; round <= 4; round++) {
        const { cut, stock } = await rounds.cutOf(results, batches, round);
        const { picks } = await rounds.acquire({
          cut,
          acquisition,
          model: await rounds.modelOf(stock.training),
          seed: round,
        });
        const picked = picks.map(({ moleculeId }) => moleculeId);
        expect(new Set(picked).size).toBe(BATCH);
        const taboo = new Set([
          ...stock.pending,
          ...stock.failed,
          ...stock.training.map((row) => row.moleculeId),
        ]);
        expect(picked.filter((id) => taboo.has(id))).toEqual([]);
        if (round > 1) expect(stock.pending.length).toBeGreaterThan(0);
        cameAgain += picked.filter((id) => abandonedBefore.has(id)).length;

        batches.push({ batchId: `b${round}`, afterChunks: round, moleculeIds: picked });
        // A quarter each: late for ever, failed, abandoned, measured; the first of the batch is abandoned.
        picked.forEach((id, i) => {
          const fate =
            i === 0
              ? 'abandoned'
              : (['late', 'failed', 'abandoned', 'measured'] as const)[Math.floor(4 * random.next())]!;
          if (fate === 'late') return;
          const row = measuredRow(rounds, id, round + 1);
          const outcome = fate;
          results.push(
            fate === 'measured'
              ? row
              : { ...row, result: { ...row.result, outcome, value: undefined, batchId: `b${round}` } },
          );
        });
        abandonedBefore = new Set((await rounds.cutOf(results, batches, round)).stock.abandoned);
      }
      expect(cameAgain).toBeGreaterThan(0);
    },
    60_000,
  );

  test('what is at the lab changes a joint batch, and a batch says what decided it and how its picks stand', async () => {
    const { acquisition } = configOf({ acquisition: { batching: 'joint', strategy: 'log-ei' } });
    const { cut, stock } = await rounds.cutOf(start(), [], 2);
    const model = await rounds.modelOf(stock.training);
    const evidence = { round: 2, roundsLeft: 3, heldOut: { rmse: 0.3, spearman: 0.7, coverage90: 0.9 } };
    const alone = await rounds.acquire({ cut, model, acquisition, evidence });
    expect(alone.decision).toMatchObject({
      name: 'log-ei',
      parts: [{ strategy: 'log-ei', batching: 'joint' }],
    });
    expect(alone.decision!.why).not.toBe('');
    const known = new Map(stock.training.map((row) => [row.moleculeId, row.smiles]));
    for (const pick of alone.picks) {
      expect(pick.smiles).toBe(smilesOf(pick.moleculeId));
      expect(pick.interval90![0]).toBeLessThan(pick.predicted!);
      expect(pick.terms).toBeDefined();
      expect(pick.nearest).toMatchObject({ smiles: known.get(pick.nearest!.moleculeId) });
    }
    for (const passed of alone.passedOver!) expect(passed.smiles).toBe(smilesOf(passed.moleculeId));

    // The three best go to the lab: what they will tell is not asked for again.
    const out = alone.picks.slice(0, 3).map(({ moleculeId }) => moleculeId);
    const { cut: later } = await rounds.cutOf(
      start(),
      [{ batchId: 'b', afterChunks: 1, moleculeIds: out }],
      2,
    );
    const beside = await rounds.acquire({ cut: later, model, acquisition, evidence });
    const withoutThem = alone.picks.map(({ moleculeId }) => moleculeId).slice(3);
    expect(beside.picks.slice(0, 9).map(({ moleculeId }) => moleculeId)).toEqual(withoutThem);
  });

  test('before anything is measured it is a design where there are features for one, and chance otherwise', async () => {
    const { cut } = await rounds.cutOf([], [], 1);
    const designed = await rounds.acquire({ cut, model: null, design: rounds.set });
    expect(designed.decision!.name).toBe('50 % random, 50 % nipv');
    expect(designed.picks.filter(({ strategy }) => strategy === 'nipv')).toHaveLength(BATCH / 2);
    const byChance = await rounds.acquire({ cut, model: null });
    expect(byChance.picks.map(({ strategy }) => strategy)).toEqual(Array(BATCH).fill('random'));
  });

  test('what is left is held against the best where a campaign asks, with the batch among it', async () => {
    const { cut, stock } = await rounds.cutOf(start(), [], 2);
    const model = await rounds.modelOf(stock.training);
    const { prospects } = await rounds.acquire({ cut, model, prospects: { margin: 0.1 } });
    expect(prospects).toMatchObject({
      best: cut.best!.value,
      margin: 0.1,
      left: ROWS - 24,
      batchSize: BATCH,
    });
    expect(prospects!.chance).toBeGreaterThan(0);
    expect(prospects!.batchGain).toBeGreaterThan(0);
    expect((await rounds.acquire({ cut, model })).prospects).toBeUndefined();
    expect((await rounds.acquire({ cut, model: null, prospects: { margin: 0 } })).prospects).toBeUndefined();
  });
});
