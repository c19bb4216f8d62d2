import { featurizerSchema } from '../../../src/contracts';
import { expectedLeast } from '../../../src/reporting/performance/numbers';
import { exploration, queue, roundWork, rulesFor, saidFor, type Wanted } from './support/figures';

const MORGAN = featurizerSchema.parse({ kind: 'morgan' });
const MACCS = featurizerSchema.parse({ kind: 'maccs' });

const alike = (count: number, rungs = 2, spread = 0) =>
  Array.from({ length: count }, (_, i) => ({
    id: `t${i}`,
    errors: Array.from({ length: i < 2 ? rungs : rungs - 1 }, () => 0.5 * (1 + spread * i)),
  }));

test('queue-slots: work that waited while too few ran, up to the cores there are', () => {
  const work = (changes = {}) => [
    roundWork(1, {
      queues: [
        queue('gpu', { waitedSeconds: 200, blockedSeconds: 40, mostAtOnce: 1, mostWaiting: 7, ...changes }),
      ],
    }),
  ];
  expect(saidFor({ work: work() })).toMatchObject([
    // Four slots for one: of 40 s a quarter is left.
    { rule: 'queue-slots', gain: { kind: 'rounds', amount: 30, unit: 's', share: 0.5 } },
  ]);
  expect(rulesFor({ work: work({ mostAtOnce: 4 }) })).toEqual([]);
  expect(rulesFor({ work: work({ blockedSeconds: 2 }) })).toEqual([]);
  // One waited: a second slot is all that could help.
  expect(saidFor({ work: work({ mostWaiting: 1 }) })[0]!.gain.amount).toBe(20);
});

test('queue-slots on machines of their own: twice the slots, by more pods', () => {
  const installation = {
    ...{ profile: 'gcp' as const, cores: null, training: 'local' as const, acceleratorCount: 0 },
    threads: { chemistry: 4, learning: 4 },
  };
  const queues = [queue('featurization', { blockedSeconds: 40, mostAtOnce: 8, mostWaiting: 100 })];
  const [said] = saidFor({ work: [roundWork(1, { queues })], input: { installation } });
  expect(said).toMatchObject({ rule: 'queue-slots', gain: { amount: 20 } });
  expect(said!.suggestion).toContain('16 at once: raise the bounds');
});

test('unattended-queue, chemistry-threads, retries: what rounds waited for', () => {
  const away = [roundWork(1, { queues: [queue('gpu', { unattendedSeconds: 12 })] })];
  expect(saidFor({ work: away })).toMatchObject([
    { rule: 'unattended-queue', gain: { amount: 12, share: 0.2 } },
  ]);
  const chemistry: Wanted = {
    work: [roundWork(1, { queues: [queue('featurization', { busySeconds: 20 })] })],
    input: {
      installation: {
        ...{ profile: 'local', cores: 4, training: 'local', acceleratorCount: 0 },
        threads: { chemistry: 1, learning: 4 },
      },
    },
  };
  expect(saidFor(chemistry)).toMatchObject([
    { rule: 'chemistry-threads', gain: { amount: 15, share: 0.25 } },
  ]);
  const trial = { workflow: 'exploration', activity: 'runTrial', queue: 'gpu', count: 9, waitedSeconds: 0 };
  const again = { ...trial, ranSeconds: 9, retries: 3, lostSeconds: 30, failed: 0 };
  const steps = { steps: 9, cached: 0, computedSeconds: 9 };
  expect(saidFor({ work: [roundWork(1, { activities: [{ ...again, ...steps }] })] })).toMatchObject([
    { rule: 'retries', gain: { amount: 30, share: 0.5 } },
  ]);
});

describe('exploration-size', () => {
  const config = { exploration: { trialsPerFamily: 12, folds: 3, maxRows: 500 } };
  const round = (trials: ReturnType<typeof alike>) => ({
    seconds: { explore: 70, train: 30 },
    exploration: exploration(trials, 't0', [48, 48], MORGAN),
  });
  test('many trials that are all alike', () => {
    const [said] = saidFor({ config, rounds: [round(alike(12)), round(alike(12))] });
    // Of the 12 of 14 s that fall to the first rung, a third would have done.
    expect(said).toMatchObject({ rule: 'exploration-size', gain: { kind: 'work' } });
    expect(said!.gain.amount).toBeCloseTo(2 * 70 * (12 / 14) * (2 / 3), 6);
    expect(said!.suggestion).toBe('Explore less: exploration.trialsPerFamily from 12 to 4');
  });
  test('not where the best of many is better than a few would have been', () => {
    expect(rulesFor({ config, rounds: [round(alike(12, 2, 0.4))] })).toEqual([]);
  });
  test('folds are spoken of only beside trials or rows that gained nothing', () => {
    const folds = { exploration: { trialsPerFamily: 12, folds: 6, maxRows: 500 } };
    expect(rulesFor({ config: folds, rounds: [round(alike(12, 2, 0.4))] })).toEqual([]);
    expect(saidFor({ config: folds, rounds: [round(alike(12))] })[0]!.suggestion).toContain(
      'exploration.folds from 6 to 3',
    );
  });
  test('never below the defaults', () => {
    expect(rulesFor({ rounds: [round(alike(3)), round(alike(3))] })).toEqual([]);
  });
  test('rows beyond those on which the same one led', () => {
    const trials = [
      { id: 't0', errors: [0.5, 0.45] },
      { id: 't1', errors: [0.6, 0.55] },
    ];
    const rows = {
      seconds: { explore: 70, train: 30 },
      exploration: exploration(trials, 't0', [250, 500], MORGAN),
    };
    const [said] = saidFor({ config, rounds: [rows] });
    expect(said!.suggestion).toBe('Explore less: exploration.maxRows from 500 to auto');
    expect(said!.gain.amount).toBeCloseTo(70 * 0.5 * 0.5, 6);
    const overtaken = [trials[0]!, { id: 't1', errors: [0.6, 0.3] }];
    const other = { ...rows, exploration: exploration(overtaken, 't1', [250, 500], MORGAN) };
    expect(rulesFor({ config, rounds: [other] })).toEqual([]);
  });
});

test('the least of a draw, by hand', () => {
  expect(expectedLeast([3, 1, 2], 1)).toBeCloseTo(2, 12);
  expect(expectedLeast([3, 1, 2], 2)).toBeCloseTo((1 + 1 + 2) / 3, 12);
  expect(expectedLeast([3, 1, 2], 3)).toBe(1);
});

test('unchosen-featurizers and needless-ensembles: what was tried and never won', () => {
  const trials = [
    { id: 'a', errors: [0.5] },
    { id: 'b', errors: [0.7], seconds: 3, featurizer: MACCS },
  ];
  const round = { seconds: { explore: 40, train: 60 }, exploration: exploration(trials, 'a', [200], MORGAN) };
  const config = { featurizers: [MORGAN, MACCS] };
  expect(saidFor({ config, rounds: [round, round] })).toMatchObject([
    { rule: 'unchosen-featurizers', gain: { amount: 60, share: 0.3 } },
  ]);
  expect(rulesFor({ config, rounds: [round] })).toEqual([]);
  const won = { ...round, exploration: exploration(trials, 'b', [200], MORGAN) };
  expect(rulesFor({ config, rounds: [round, won] })).toEqual([]);

  const networks = (error: number) => ({
    ...round,
    exploration: exploration(
      [
        { id: 'a', errors: [0.5] },
        { id: 'n', errors: [error], seconds: 9, network: true },
      ],
      'a',
      [200],
      MORGAN,
    ),
  });
  expect(saidFor({ rounds: [networks(0.49), networks(0.6)] })).toMatchObject([
    { rule: 'needless-ensembles', gain: { amount: 72, share: 0.36 } },
  ]);
  expect(rulesFor({ rounds: [networks(0.49), networks(0.4)] })).toEqual([]);
});

test('needless-epochs: networks that a third of the epochs made as good', () => {
  const round = (better: number) => ({
    seconds: { explore: 40, train: 60 },
    exploration: exploration(
      Array.from({ length: 4 }, (_, i) => ({ id: `n${i}`, errors: [0.5, 0.5 * better], network: true })),
      'n0',
      [48, 48],
      MORGAN,
    ),
  });
  expect(saidFor({ rounds: [round(1)] })).toMatchObject([
    { rule: 'needless-epochs', gain: { kind: 'work', share: expect.closeTo((0.4 / 2) * (2 / 3), 9) } },
  ]);
  expect(rulesFor({ rounds: [round(0.8)] })).toEqual([]);
});

test('step-cache: features of the pool made again in later rounds', () => {
  const shards = (round: number, cached: number) =>
    roundWork(round, {
      activities: [
        {
          ...{ workflow: 'featurization', activity: 'featuriseShard', queue: 'featurization', count: 10 },
          ...{ waitedSeconds: 0, ranSeconds: 20, retries: 0, lostSeconds: 0, failed: 0 },
          ...{ steps: 10, cached, computedSeconds: 2 * (10 - cached) },
        },
      ],
    });
  const rounds = [{ seconds: { train: 50 } }, { seconds: { train: 50 } }];
  expect(saidFor({ rounds, work: [shards(1, 0), shards(2, 0)] })).toMatchObject([
    { rule: 'step-cache', gain: { amount: 20, share: 0.2 } },
  ]);
  expect(rulesFor({ rounds, work: [shards(1, 0), shards(2, 9)] })).toEqual([]);
  // Of campaigns without histories by their timings.
  const again = { seconds: { featurize: 20, train: 30 } };
  expect(rulesFor({ rounds: [again, again] })).toEqual(['step-cache']);
  expect(rulesFor({ rounds: [again, { seconds: { featurize: -20, train: 30 } }] })).toEqual([]);
});

test('shards-per-task: a pool in pieces that take no longer than what a task takes by itself', () => {
  const scored = (seconds: number) => [
    roundWork(1, {
      activities: [
        {
          ...{ workflow: 'learningCycle', activity: 'scoreCandidates', queue: 'gpu', count: 100 },
          ...{ waitedSeconds: 0, ranSeconds: 30, retries: 0, lostSeconds: 0, failed: 0 },
          ...{ steps: 100, cached: 0, computedSeconds: seconds },
        },
      ],
    }),
  ];
  const rounds = [{ seconds: { score: 30, train: 30 } }];
  expect(saidFor({ rounds, work: scored(30) })).toMatchObject([
    { rule: 'shards-per-task', gain: { amount: 18.75 } },
  ]);
  expect(rulesFor({ rounds, work: scored(300) })).toEqual([]);
});

test('idle-accelerator: a machine with a GPU on which Gaussian processes are fitted', () => {
  const trials = (network: boolean) =>
    exploration([{ id: 'a', errors: [0.5], seconds: 1, network }], 'a', [200], MORGAN);
  const round = {
    backend: 'tensorflow-gpu',
    seconds: { explore: 20, train: 30 },
    exploration: trials(false),
  };
  const [said] = saidFor({
    rounds: [round],
    work: [roundWork(1, { queues: [queue('gpu', { spanSeconds: 3600 })] })],
  });
  expect(said).toMatchObject({ rule: 'idle-accelerator', gain: { kind: 'money', unit: 'USD' } });
  expect(said!.gain.amount).toBeCloseTo((0.8 * (3600 - 0.5)) / 3600, 9);
  expect(rulesFor({ rounds: [{ ...round, backend: 'wasm' }] })).toEqual([]);
});

describe('batch-size', () => {
  const config = { acquisition: { batchSize: 2 } };
  const rounds = (rmse: (i: number) => number, batchSize = 2) =>
    Array.from({ length: 5 }, (_, i) => ({
      labels: 92 + 2 * i,
      batchSize: i < 4 ? batchSize : 0,
      rmse: rmse(i),
    }));
  const work = [1, 2, 3, 4, 5].map((round) => roundWork(round));
  test('turns that add little to what is known', () => {
    // 4 turns of 2 min of 9 min in all; batches of 10 need a fifth of them.
    expect(saidFor({ config, rounds: rounds(() => 0.5), work })).toMatchObject([
      { rule: 'batch-size', gain: { kind: 'elapsed', amount: 480 * 0.8, share: (480 * 0.8) / 540 } },
    ]);
  });
  test('not where every turn teaches, nor where batches are large', () => {
    expect(rulesFor({ config, rounds: rounds((i) => 0.5 - 0.1 * i), work })).toEqual([]);
    expect(rulesFor({ rounds: rounds(() => 0.5, 32), work })).toEqual([]);
    expect(rulesFor({ config, rounds: rounds(() => 0.5) })).toEqual([]);
  });
});

test('labels: failed, bounds, replicates, posted in vain, and those that taught nothing', () => {
  const failed = { labels: 80, batchSize: 100, cut: { labels: 80, failed: 15, abandoned: 5 } };
  expect(saidFor({ rounds: [failed] })).toMatchObject([
    { rule: 'failed-labels', gain: { kind: 'labels', amount: 20, unit: 'results', share: 0.2 } },
  ]);
  expect(rulesFor({ rounds: [{ ...failed, cut: { labels: 98, failed: 2 } }] })).toEqual([]);
  expect(rulesFor({ rounds: [{ cut: { censored: 40 } }] })).toEqual(['censored-labels']);
  const twice = (spread: number) =>
    Array.from({ length: 100 }, (_, i) => ({
      ...{ moleculeId: `m${i}`, smiles: 'C', value: 1, qualifier: '=' as const, replicates: 2, spread },
    }));
  expect(rulesFor({ input: { training: twice(0.05) } })).toEqual(['needless-replicates']);
  expect(rulesFor({ input: { training: twice(0.5) } })).toEqual([]);
  const intake = { received: 100, accepted: 60, duplicates: 30, rejected: 10 };
  expect(saidFor({ work: [roundWork(1, { intake })] })).toMatchObject([
    { rule: 'posted-in-vain', gain: { amount: 40, share: 0.4 } },
  ]);
  const idle = (best: number) =>
    Array.from({ length: 5 }, (_, i) => ({ labels: 100 + 20 * i, rmse: 0.5, best: i === 4 ? best : 1 }));
  expect(saidFor({ rounds: idle(1) })).toMatchObject([
    { rule: 'taught-nothing', gain: { amount: 80, share: 80 / 180 } },
  ]);
  expect(rulesFor({ rounds: idle(2) })).toEqual([]);
});

test('the greatest gain comes first, and nothing is said of less than a twentieth', () => {
  const work = [
    roundWork(1, {
      queues: [queue('gpu', { blockedSeconds: 20, mostAtOnce: 1, mostWaiting: 3, unattendedSeconds: 2.9 })],
      intake: { received: 100, accepted: 10, duplicates: 90, rejected: 0 },
    }),
  ];
  expect(rulesFor({ work })).toEqual(['posted-in-vain', 'queue-slots']);
  expect(rulesFor({})).toEqual([]);
});
