import { chooseWinner } from '../../../src/campaign';
import type {
  FeaturizerSpec,
  MlpEnsembleSettings,
  ModelMetrics,
  TrialResult,
  TrialSpec,
} from '../../../src/contracts';
import {
  proposeTrials,
  runTrial,
  warmTrials,
  type WarmSource,
  type WarmStartRequest,
} from '../../../src/learning/exploration';
import { createMlpEnsemble } from '../../../src/learning/mlp-ensemble';
import { fingerprints, labelled, noisy, truth } from '../synthetic';

const morgan: FeaturizerSpec = { kind: 'morgan', radius: 2, bits: 256, counts: 'none' };
const maccs: FeaturizerSpec = { kind: 'maccs' };
const network = (learningRate: number): MlpEnsembleSettings => ({
  family: 'mlp-ensemble',
  members: 9,
  hidden: [64],
  dropout: 0,
  learningRate,
  weightDecay: 1e-4,
  batchSize: 128,
  epochs: 99,
});
const trial = (trialId: string, learningRate: number, featurizer: FeaturizerSpec = morgan): TrialSpec => ({
  trialId,
  settings: network(learningRate),
  featurizer,
});
const result = (trialId: string, rung: number, rmse: number) =>
  ({ trialId, rung, rows: 10, metrics: { rmse } }) as unknown as TrialResult<ModelMetrics>;

/** Round 3 chose b, which was second by error; c led the first rung and went no further; d is on other features. */
const third: WarmSource = {
  campaignId: 'one',
  round: 3,
  exploration: {
    trials: [trial('a', 0.001), trial('b', 0.002), trial('c', 0.003), trial('d', 0.004, maccs)],
    results: [
      ...[result('a', 0, 0.5), result('b', 0, 0.6), result('c', 0, 0.1), result('d', 0, 0.9)],
      ...[result('a', 1, 0.4), result('b', 1, 0.41)],
    ],
    chosen: trial('b', 0.002),
  },
};
const second: WarmSource = {
  campaignId: 'one',
  round: 2,
  exploration: { trials: [trial('x', 0.007)], results: [result('x', 0, 0.2)], chosen: trial('x', 0.007) },
};
const request: WarmStartRequest = {
  sources: [third, second],
  drawn: [],
  families: ['gaussian-process', 'mlp-ensemble'],
  featurizers: [morgan, maccs],
  ensemble: { members: 3, epochs: 20 },
  labels: 100,
  maxTrials: 3,
};
const rates = ({ trials }: ReturnType<typeof warmTrials>) =>
  trials.map(({ settings }) => (settings as MlpEnsembleSettings).learningRate);

describe('a warm start', () => {
  test('takes the winners of all rounds, latest first, then the best of other kinds', () => {
    const warm = warmTrials(request);
    expect(rates(warm)).toEqual([0.002, 0.007, 0.004]);
    expect(warm.trials.map(({ trialId }) => trialId)).toEqual(['warm-1', 'warm-2', 'warm-3']);
    expect(warm.origins).toEqual([
      { trialId: 'warm-1', campaignId: 'one', round: 3, was: 'b' },
      { trialId: 'warm-2', campaignId: 'one', round: 2, was: 'x' },
      { trialId: 'warm-3', campaignId: 'one', round: 3, was: 'd' },
    ]);
    expect(rates(warmTrials({ ...request, maxTrials: 1 }))).toEqual([0.002]);
  });

  test('length, networks and batch size are those of this campaign', () => {
    expect(warmTrials(request).trials[0]!.settings).toMatchObject({ members: 3, epochs: 20, batchSize: 16 });
    expect(warmTrials({ ...request, labels: 5000 }).trials[0]!.settings).toMatchObject({ batchSize: 64 });
  });

  test('what cannot be used here, what failed, and what is tried anyway is left out', () => {
    expect(rates(warmTrials({ ...request, featurizers: [morgan] }))).toEqual([0.002, 0.007]);
    expect(warmTrials({ ...request, families: ['gaussian-process'] }).trials).toEqual([]);
    const [first] = warmTrials(request).trials;
    expect(rates(warmTrials({ ...request, drawn: [{ ...first!, trialId: 'mlp-2' }] }))).toEqual([
      0.007, 0.004,
    ]);
    const twice = { ...second, round: 1, exploration: third.exploration };
    expect(rates(warmTrials({ ...request, sources: [third, twice] }))).toEqual([0.002, 0.004]);
    const failed = { ...second.exploration, results: [] };
    expect(warmTrials({ ...request, sources: [{ ...second, exploration: failed }] }).trials).toEqual([]);
  });
});

describe('what a warm start is worth', () => {
  const ensemble = createMlpEnsemble({ threads: 2, backend: 'wasm' });
  afterAll(() => ensemble.close());

  test('two trials, one of them the earlier winner, do as well as a cold search with six', async () => {
    const proposal = (trialsPerFamily: number, seed: number) => ({
      families: ['mlp-ensemble'] as const,
      featurizers: [morgan],
      trialsPerFamily,
      labels: 120,
      ensemble: { members: 2, epochs: 8 },
      seed,
    });
    const explore = async (trials: readonly TrialSpec[], rows: number, seed: number) => {
      const features = fingerprints(rows, seed);
      const all = labelled(features, noisy(truth(features), 0.3, seed + 1));
      const results: TrialResult[] = [];
      for (const each of trials)
        results.push(
          await runTrial(ensemble, { trial: each, rung: 0, effort: 1, labelled: all, folds: 3, seed }),
        );
      const chosen = chooseWinner(results, trials);
      return { trials, results, chosen, best: Math.min(...results.map(({ metrics }) => metrics.rmse)) };
    };
    const earlier = await explore(proposeTrials(proposal(6, 1)), 90, 11);
    const drawn = proposeTrials(proposal(1, 2));
    const warm = warmTrials({
      ...request,
      sources: [{ campaignId: 'one', round: 2, exploration: earlier }],
      drawn,
      featurizers: [morgan],
      ensemble: proposal(1, 2).ensemble,
      maxTrials: 1,
    });
    const now = await explore([...warm.trials, ...drawn], 120, 31);
    const cold = await explore(proposeTrials(proposal(6, 2)), 120, 31);
    const alone = await explore(drawn, 120, 31);
    expect(now.chosen.trialId).toBe('warm-1');
    expect(now.best).toBeLessThan(1.02 * cold.best);
    expect(now.best).toBeLessThan(alone.best);
  });
});
