import fc from 'fast-check';
import type { FeaturizerSpec, MlpEnsembleSettings, TrialSpec } from '../../../src/contracts';
import { downscale } from '../../../src/learning/exploration/downscale';
import {
  NOISE_RATIOS,
  proposeTrials,
  type TrialProposal,
} from '../../../src/learning/exploration/propose-trials';
import { runTrial, settingsAtEffort } from '../../../src/learning/exploration/run-trial';
import { createGaussianProcess } from '../../../src/learning/gaussian-process';
import { selectLabelledRows } from '../../../src/learning/labelled-set';
import { fingerprints, labelled, noisy, truth } from '../synthetic';

const morgan: FeaturizerSpec = { kind: 'morgan', radius: 2, bits: 2048, counts: 'simulated' };
const maccs: FeaturizerSpec = { kind: 'maccs' };
const proposal: TrialProposal = {
  families: ['gaussian-process', 'mlp-ensemble'],
  featurizers: [morgan, maccs],
  trialsPerFamily: 5,
  labels: 100,
  ensemble: { members: 5, epochs: 30 },
  seed: 3,
};

describe('proposed trials', () => {
  test('every family and featurizer is tried, ids and specs are distinct, and the seed decides', () => {
    const trials = proposeTrials(proposal);
    expect(trials.map((trial) => trial.trialId)).toEqual([
      'gp-1',
      'gp-2',
      'gp-3',
      'gp-4',
      'gp-5',
      'mlp-1',
      'mlp-2',
      'mlp-3',
      'mlp-4',
      'mlp-5',
    ]);
    expect(
      new Set(trials.map(({ settings, featurizer }) => JSON.stringify({ settings, featurizer }))).size,
    ).toBe(10);
    for (const family of proposal.families) {
      const used = trials
        .filter((trial) => trial.settings.family === family)
        .map((trial) => trial.featurizer.kind);
      expect(new Set(used)).toEqual(new Set(['morgan', 'maccs']));
    }
    expect(trials[0]!.settings).toEqual({ family: 'gaussian-process', noiseRatios: NOISE_RATIOS });
    expect(proposeTrials(proposal)).toEqual(trials);
    expect(proposeTrials({ ...proposal, seed: 4 })).not.toEqual(trials);
  });

  test('settings stay in range, whatever the seed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 1, max: 20 }),
        (seed, trialsPerFamily) => {
          for (const { settings } of proposeTrials({
            ...proposal,
            families: ['mlp-ensemble'],
            seed,
            trialsPerFamily,
          })) {
            const mlp = settings as MlpEnsembleSettings;
            expect(mlp).toMatchObject({ members: 5, epochs: 30, batchSize: 16 });
            expect(mlp.hidden.every((width) => width >= 64 && width <= 256)).toBe(true);
            expect(mlp.dropout).toBeLessThanOrEqual(0.2);
            expect(mlp.learningRate).toBeGreaterThanOrEqual(1e-3);
            expect(mlp.learningRate).toBeLessThanOrEqual(3e-3);
            expect(mlp.weightDecay).toBeGreaterThanOrEqual(1e-5);
            expect(mlp.weightDecay).toBeLessThanOrEqual(1e-2);
          }
        },
      ),
    );
  });

  test('no featurizer goes untried, and a lack of them is an error', () => {
    expect(proposeTrials({ ...proposal, families: ['gaussian-process'], trialsPerFamily: 1 })).toHaveLength(
      2,
    );
    expect(() => proposeTrials({ ...proposal, featurizers: [] })).toThrow(
      expect.objectContaining({ code: 'config-invalid' }),
    );
    expect(() => proposeTrials({ ...proposal, families: [] })).toThrow(
      expect.objectContaining({ code: 'config-invalid' }),
    );
  });
});

describe('downscaling', () => {
  test('keeps the distribution: one row from each stretch of the sorted targets', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { maxLength: 80 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer(),
        (values, maxRows, seed) => {
          const targets = Float64Array.from(values);
          const chosen = downscale({ targets, maxRows, seed });
          expect(chosen).toHaveLength(Math.min(maxRows, values.length));
          expect([...new Set(chosen)].sort((a, b) => a - b)).toEqual(chosen);
          expect(downscale({ targets, maxRows, seed })).toEqual(chosen);
          const sorted = [...values].sort((a, b) => a - b);
          const taken = chosen.map((i) => values[i]!).sort((a, b) => a - b);
          taken.forEach((value, i) => {
            const from = Math.floor((i * values.length) / taken.length);
            const to = Math.floor(((i + 1) * values.length) / taken.length);
            expect(value).toBeGreaterThanOrEqual(sorted[from]!);
            expect(value).toBeLessThanOrEqual(sorted[to - 1]!);
          });
        },
      ),
    );
    expect(() => downscale({ targets: new Float64Array(3), maxRows: 0, seed: 1 })).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  });
});

describe('a trial', () => {
  const gp = createGaussianProcess({ threads: 1 });
  afterAll(() => gp.close());

  test('effort shrinks an ensemble and spares a GP', () => {
    const mlp: MlpEnsembleSettings = {
      family: 'mlp-ensemble',
      members: 5,
      hidden: [64],
      dropout: 0,
      learningRate: 1e-3,
      weightDecay: 0,
      batchSize: 16,
      epochs: 30,
    };
    expect(settingsAtEffort(mlp, 1)).toEqual(mlp);
    expect(settingsAtEffort(mlp, 1 / 3)).toMatchObject({ members: 2, epochs: 10 });
    expect(settingsAtEffort({ ...mlp, epochs: 1 }, 0.01)).toMatchObject({ members: 2, epochs: 1 });
    const settings = { family: 'gaussian-process', noiseRatios: [1] } as const;
    expect(settingsAtEffort(settings, 0.1)).toBe(settings);
  });

  test('is judged out of fold on the rows it is given, the same way each time', async () => {
    const features = fingerprints(60, 1);
    const all = labelled(features, noisy(truth(features), 0.3, 2));
    const part = selectLabelledRows(all, downscale({ targets: all.targets, maxRows: 40, seed: 1 }));
    const trial: TrialSpec = {
      trialId: 'gp-1',
      settings: { family: 'gaussian-process', noiseRatios: NOISE_RATIOS },
      featurizer: morgan,
    };
    const request = { trial, rung: 1, effort: 1, labelled: part, folds: 3, seed: 4 };
    const result = await runTrial(gp, request);
    expect(result).toMatchObject({
      trialId: 'gp-1',
      rung: 1,
      rows: 40,
      backend: 'float64',
      metrics: { n: 40 },
    });
    expect((await runTrial(gp, request)).metrics).toEqual(result.metrics);
    await expect(runTrial(gp, { ...request, effort: 0 })).rejects.toMatchObject({ code: 'usage' });
  });
});
