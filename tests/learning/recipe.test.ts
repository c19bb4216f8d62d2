import { createGaussianProcess } from '../../src/learning/gaussian-process';
import type { FeatureMatrix } from '../../src/contracts';
import type { Learning, ModelFamilyAdapter } from '../../src/learning/learning';
import { familiesFor, trainRecipe, type RecipeRequest } from '../../src/learning/recipe';
import { applyCalibration } from '../../src/learning/calibration';
import { fingerprints, noisy, truth } from './synthetic';

describe('the recipe', () => {
  const gaussian: ModelFamilyAdapter = createGaussianProcess({ threads: 1 });
  const learning: Pick<Learning, 'fit'> = { fit: (request) => gaussian.fit(request) };
  afterAll(() => gaussian.close());

  const good = fingerprints(150, 1);
  const useless: FeatureMatrix = {
    ...fingerprints(150, 9),
    spec: { kind: 'morgan', radius: 3, bits: 256, counts: 'none' },
  };
  const request: RecipeRequest = {
    sets: [good, useless].map((features) => ({ featurizer: features.spec, features })),
    labels: {
      task: 'regression',
      targets: noisy(truth(good), 0.5, 2),
      qualifiers: Array.from({ length: 150 }, () => '=' as const),
      replicates: new Float64Array(150).fill(1),
    },
    families: 'gaussian-process',
    seed: 1,
    split: null,
    fingerprints: good,
  };

  test('finds the features that tell something, and says how good the model is', async () => {
    const phases = new Set<string>();
    const result = await trainRecipe(learning, { ...request, onProgress: ({ phase }) => phases.add(phase) });
    expect(result.trial.featurizer).toEqual(good.spec);
    expect([...phases]).toEqual(['explore', 'evaluate', 'train']);
    expect(result.exploration.results).toHaveLength(2);
    expect(result.metrics).toMatchObject({ n: 150 });
    if (result.metrics.task === 'classification') throw new Error('a regression was asked for');
    const [low, high] = result.metrics.intervals!.rmse!;
    expect(low).toBeLessThan(result.metrics.rmse);
    expect(high).toBeGreaterThan(result.metrics.rmse);
    expect(result.metrics.coverage90).toBeGreaterThan(0.8);
    expect(result.applicability!.threshold).toBeGreaterThan(0);
    const raw = await result.model.predict(good);
    expect(applyCalibration(result.calibration, raw).mean).toEqual(raw.mean);
    result.model.dispose();
  });

  test('the same request gives the same model, another seed another evaluation', async () => {
    const run = async (seed: number) => {
      const { model, metrics } = await trainRecipe(learning, { ...request, seed });
      const bytes = Buffer.from(await model.serialise()).toString('base64');
      model.dispose();
      return { bytes, metrics };
    };
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toEqual(first);
    expect(other.metrics).not.toEqual(first.metrics);
  });

  test('scaffolds stay together when asked to', async () => {
    const keys = Array.from({ length: 150 }, (_, row) => `scaffold ${row % 12}`);
    const { model, metrics } = await trainRecipe(learning, { ...request, split: { kind: 'scaffold', keys } });
    expect(metrics.n).toBe(150);
    model.dispose();
  });

  test('by time it is judged on what was measured later; nothing is judged on the first run', async () => {
    const keys = Array.from({ length: 150 }, (_, row) => (row < 30 ? null : `2026-01-${10 + (row % 15)}`));
    const { model, metrics, applicability } = await trainRecipe(learning, {
      ...request,
      split: { kind: 'time', keys },
    });
    expect(metrics.n).toBeGreaterThan(60);
    expect(metrics.n).toBeLessThanOrEqual(120);
    expect(applicability!.bins.reduce((sum, { n }) => sum + n, 0)).toBe(metrics.n);
    model.dispose();
  });

  test('stops when told to', async () => {
    const stop = new AbortController();
    const running = trainRecipe(learning, {
      ...request,
      signal: stop.signal,
      onProgress: ({ phase }) => phase === 'evaluate' && stop.abort(),
    });
    await expect(running).rejects.toThrow();
  });

  test('few labels are for the Gaussian process alone; more bring forests, then networks', () => {
    const tried = (labels: number) => familiesFor({ families: 'auto', task: 'regression', labels });
    expect(tried(30)).toEqual(['gaussian-process']);
    expect(tried(60)).toEqual(['gaussian-process', 'random-forest']);
    expect(tried(600)).toEqual(['gaussian-process', 'mlp-ensemble', 'random-forest']);
    expect(tried(5000)).toContain('message-passing-ensemble');
    expect(familiesFor({ families: 'mlp-ensemble', task: 'regression', labels: 20 })).toEqual([
      'mlp-ensemble',
    ]);
  });
});
