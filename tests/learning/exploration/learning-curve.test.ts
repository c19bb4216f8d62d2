import fc from 'fast-check';
import type { TrialResult, TrialSpec } from '../../../src/contracts';
import {
  extrapolateScore,
  growDownscale,
  judgeCurves,
  tuningReport,
} from '../../../src/learning/exploration';

const at = (trialId: string, rows: number, rmse: number, rung = 0): TrialResult => ({
  trialId,
  rung,
  rows,
  metrics: { n: rows, rmse, mae: rmse, r2: 0, spearman: 0, nll: 0, coverage90: 0.9 },
  backend: 'float64',
  computeSeconds: 1,
});

describe('how many labels exploration looks at', () => {
  test('a power law is carried on exactly, and no further than noise allows', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 0.9, noNaN: true }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (exponent, scale) => {
          const score = (rows: number) => scale * rows ** -exponent;
          const ahead = extrapolateScore(
            { rows: 256, score: score(256) },
            { rows: 512, score: score(512) },
            4096,
          );
          expect(ahead / score(4096)).toBeCloseTo(1, 9);
        },
      ),
    );
    expect(extrapolateScore({ rows: 10, score: 1 }, { rows: 20, score: 2 }, 1000)).toBe(2);
    expect(extrapolateScore({ rows: 10, score: 1 }, { rows: 20, score: 0.1 }, 40)).toBeCloseTo(0.05, 12);
  });

  test('goes on while the lead changes or a steeper curve will cross, and stops when neither does', () => {
    expect(judgeCurves([at('a', 256, 1), at('b', 256, 1.2)], 5000).settled).toBe(false);
    const parallel = [at('a', 256, 1), at('b', 256, 1.2), at('a', 512, 0.9), at('b', 512, 1.1)];
    expect(judgeCurves(parallel, 5000)).toMatchObject({ settled: true });
    const crossing = [at('a', 256, 1), at('b', 256, 1.3), at('a', 512, 0.95), at('b', 512, 1.0)];
    expect(judgeCurves(crossing, 5000)).toMatchObject({
      settled: false,
      why: expect.stringContaining('b would overtake a'),
    });
    expect(judgeCurves(crossing, 600).settled).toBe(true);
    const changed = [at('a', 256, 1), at('b', 256, 1.1), at('a', 512, 0.95), at('b', 512, 0.8)];
    expect(judgeCurves(changed, 5000).settled).toBe(false);
    expect(judgeCurves([at('a', 60, 1), at('b', 60, 2)], 60).settled).toBe(true);
  });

  test('never looks at more than a quarter of the labels, beyond the two sizes that a curve needs', () => {
    const changing = (rows: number) => [
      at('a', rows / 2, 1),
      at('b', rows / 2, 1.1),
      at('a', rows, 0.95),
      at('b', rows, 0.8),
    ];
    expect(growDownscale([at('a', 128, 1), at('b', 128, 1.1)], 128, 300)).toMatchObject({ next: 256 });
    expect(growDownscale(changing(512), 512, 5000)).toMatchObject({ next: 1024 });
    expect(growDownscale(changing(1024), 1024, 5000)).toMatchObject({ next: null });
  });
});

describe('the tuning report', () => {
  const trial = (trialId: string, learningRate: number, kind: 'maccs' | 'descriptors'): TrialSpec => ({
    trialId,
    settings: {
      family: 'mlp-ensemble',
      members: 5,
      hidden: [64],
      dropout: 0,
      learningRate,
      weightDecay: 0,
      batchSize: 16,
      epochs: 10,
    },
    featurizer: { kind },
  });
  const trials = Array.from({ length: 12 }, (_, i) =>
    trial(`mlp-${i}`, 1e-3 * (1 + i), i % 2 ? 'maccs' : 'descriptors'),
  );
  const report = (score: (i: number) => number) =>
    tuningReport({
      trials,
      rungs: [{ rung: 0, effort: 1, trials: trials.map(({ trialId }) => trialId) }],
      results: trials.map(({ trialId }, i) => at(trialId, 100, score(i))),
    });

  test('names what the scores go with first, and the better level first', () => {
    const [first] = report((i) => (i % 2 ? 0.5 : 1) + 0.001 * i);
    expect(first).toMatchObject({ factor: 'featurizer', trials: 12 });
    expect(first!.explained).toBeGreaterThan(0.95);
    expect(first!.levels[0]).toMatchObject({ level: 'maccs', trials: 6 });
    const [other] = report((i) => 1 - 0.05 * i);
    expect(other).toMatchObject({ factor: 'mlp-ensemble learningRate' });
  });

  test('claims nothing of what did not vary, and nothing where nothing differed', () => {
    const factors = report(() => 1);
    expect(factors.map(({ factor }) => factor).sort()).toEqual(['featurizer', 'mlp-ensemble learningRate']);
    expect(factors.every(({ explained }) => explained === 0)).toBe(true);
  });
});
