import fc from 'fast-check';
import { chooseWinner, planRungs, promote } from '../../src/campaign/exploration';
import type { FeaturizerSpec, ModelSettings, TrialResult, TrialSpec } from '../../src/contracts';

type ModelFamily = 'gaussian-process' | 'mlp-ensemble';

const featurizer: FeaturizerSpec = { kind: 'maccs' };
const settingsOf = (family: ModelFamily, epochs = 30): ModelSettings =>
  family === 'gaussian-process'
    ? { family, noiseRatios: [0.1] }
    : {
        family,
        members: 5,
        hidden: [64],
        dropout: 0,
        learningRate: 1e-3,
        weightDecay: 0,
        batchSize: 16,
        epochs,
      };
const trialOf = (trialId: string, family: ModelFamily, epochs?: number): TrialSpec => ({
  trialId,
  settings: settingsOf(family, epochs),
  featurizer,
});
const resultOf = (trialId: string, rmse: number, nll = 1, n = 50): TrialResult => ({
  trialId,
  rung: 0,
  rows: n,
  metrics: { n, rmse, mae: rmse, r2: 0, spearman: 0, nll, coverage90: 0.9 },
  backend: 'float64',
  computeSeconds: 1,
});
const many = (gps: number, mlps: number) => [
  ...Array.from({ length: gps }, (_, i) => trialOf(`gp-${i}`, 'gaussian-process')),
  ...Array.from({ length: mlps }, (_, i) => trialOf(`mlp-${i}`, 'mlp-ensemble')),
];

describe('rungs', () => {
  test('narrow down to the last one, which is run in full', () => {
    fc.assert(
      fc.property(
        fc.nat(30),
        fc.nat(30),
        fc.integer({ min: 16, max: 2000 }),
        fc.integer({ min: 6, max: 3000 }),
        (gps, mlps, maxRows, labels) => {
          fc.pre(gps + mlps > 0);
          const trials = many(gps, mlps);
          const rungs = planRungs(trials, { maxRows, labels });
          expect(rungs[0]!.trials).toBe(trials.length);
          const last = rungs.at(-1)!;
          expect(last).toMatchObject({ effort: 1, keep: 1, rows: Math.min(maxRows, labels) });
          rungs.slice(1).forEach((rung, i) => {
            const before = rungs[i]!;
            expect(rung.trials).toBe(before.keep);
            expect(rung.trials).toBeLessThan(before.trials);
            expect(rung.effort).toBeGreaterThanOrEqual(before.effort);
            expect(rung.rows).toBeGreaterThanOrEqual(before.rows);
          });
          expect(last.trials).toBeGreaterThanOrEqual(
            Math.min(trials.length, new Set(trials.map((t) => t.settings.family)).size),
          );
        },
      ),
    );
  });

  test('the default exploration: six trials, then two in full', () => {
    expect(planRungs(many(3, 3), { maxRows: 128, labels: 500 })).toEqual([
      { rung: 0, rows: 64, effort: 1 / 3, trials: 6, keep: 2 },
      { rung: 1, rows: 128, effort: 1, trials: 2, keep: 1 },
    ]);
    expect(planRungs(many(1, 1), { maxRows: 128, labels: 40 })).toEqual([
      { rung: 0, rows: 40, effort: 1, trials: 2, keep: 1 },
    ]);
    expect(() => planRungs([], { maxRows: 128 })).toThrow(
      expect.objectContaining({ code: 'config-invalid' }),
    );
  });
});

describe('promotion', () => {
  test('takes the best of each family first, never more than asked for, in order of merit', () => {
    const trials = many(3, 2);
    const results = [
      resultOf('gp-0', 1),
      resultOf('gp-1', 1.5),
      resultOf('gp-2', 2),
      resultOf('mlp-0', 5),
      resultOf('mlp-1', 4),
    ];
    const ids = (keep: number) => promote(results, keep, trials).map((trial) => trial.trialId);
    expect(ids(1)).toEqual(['gp-0']);
    expect(ids(2)).toEqual(['gp-0', 'mlp-1']);
    expect(ids(3)).toEqual(['gp-0', 'gp-1', 'mlp-1']);
    expect(ids(9)).toEqual(['gp-0', 'gp-1', 'gp-2', 'mlp-1', 'mlp-0']);
  });

  test('trials that failed or gave no number fall out', () => {
    expect(
      promote([resultOf('gp-0', NaN), resultOf('mlp-0', 2)], 2, many(1, 1)).map((trial) => trial.trialId),
    ).toEqual(['mlp-0']);
    expect(promote([], 2, many(1, 1))).toEqual([]);
  });

  test('does not depend on the order of results', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
        fc.integer({ min: 1, max: 6 }),
        (order, keep) => {
          const trials = many(3, 3);
          const results = trials.map((trial, i) => resultOf(trial.trialId, 1 + 0.04 * i, 1 - 0.1 * i));
          const shuffled = order.map((i) => results[i]!);
          expect(promote(shuffled, keep, trials)).toEqual(promote(results, keep, trials));
          expect(chooseWinner(shuffled, trials)).toEqual(chooseWinner(results, trials));
        },
      ),
    );
  });
});

describe('the winner', () => {
  const trials = [
    trialOf('gp-0', 'gaussian-process'),
    trialOf('mlp-0', 'mlp-ensemble', 30),
    trialOf('mlp-1', 'mlp-ensemble', 10),
    trialOf('mlp-2', 'mlp-ensemble', 10),
  ];
  const winner = (...results: TrialResult[]) => chooseWinner(results, trials).trialId;

  test('has the lowest RMSE when the difference is more than a standard error', () => {
    // One standard error at n = 50 is a tenth of the RMSE.
    expect(winner(resultOf('gp-0', 1.11, -5), resultOf('mlp-0', 1, 5))).toBe('mlp-0');
  });

  test('within a standard error has the lowest negative log likelihood', () => {
    expect(winner(resultOf('gp-0', 1.09, 0.5), resultOf('mlp-0', 1, 0.6))).toBe('gp-0');
    expect(winner(resultOf('gp-0', 1.09, 0.7), resultOf('mlp-0', 1, 0.6))).toBe('mlp-0');
  });

  test('when that is the same too is the cheaper one, and at last the first by name', () => {
    expect(winner(resultOf('mlp-0', 1, 0.5), resultOf('gp-0', 1, 0.505))).toBe('gp-0');
    expect(winner(resultOf('mlp-0', 1), resultOf('mlp-1', 1))).toBe('mlp-1');
    expect(winner(resultOf('mlp-2', 1), resultOf('mlp-1', 1))).toBe('mlp-1');
  });

  test('is not to be had without a usable result, or for a trial nobody planned', () => {
    expect(() => winner()).toThrow(expect.objectContaining({ code: 'numerical' }));
    expect(() => winner(resultOf('gp-0', NaN))).toThrow(expect.objectContaining({ code: 'numerical' }));
    expect(() => winner(resultOf('other', 1))).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});
