import type { ModelSettings } from '../../src/contracts';
import { createLearning, crossValidate, type Learning } from '../../src/learning';
import { fingerprints, labelled, NOISE_RATIOS, noisy, truth } from './synthetic';

const ensemble = {
  family: 'mlp-ensemble',
  members: 2,
  hidden: [16],
  dropout: 0,
  learningRate: 3e-3,
  weightDecay: 1e-4,
  batchSize: 16,
  epochs: 5,
} as const;
const process = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS } as const;
const settingsOf = {
  'gaussian-process': process,
  'mlp-ensemble': ensemble,
  'random-forest': { family: 'random-forest', trees: 20, maxFeatures: 'sqrt', minLeaf: 1 },
  stack: {
    family: 'stack',
    folds: 2,
    models: [process, ensemble].map((settings) => ({ settings, part: 0 })),
  },
} satisfies Partial<Record<ModelSettings['family'], ModelSettings>>;

describe('the learning service', () => {
  let learning: Learning;
  beforeAll(() => {
    learning = createLearning({ threads: 1, backend: 'cpu' });
  });
  afterAll(() => learning.close());

  const features = fingerprints(36, 1);
  const set = labelled(features, noisy(truth(features), 0.3, 2));

  test('says where it runs', async () => {
    expect(await learning.runtime()).toMatchObject({
      backend: 'cpu',
      backendVersion: expect.any(String),
      cpu: expect.any(String),
    });
  });

  test.each(['gaussian-process', 'mlp-ensemble', 'random-forest', 'stack'] as const)(
    '%s: fits, predicts, samples, and comes back from its bytes',
    async (family) => {
      const model = await learning.fit({ settings: settingsOf[family], labelled: set, seed: 1 });
      const before = await model.predict(features);
      expect(model.family).toBe(family);
      expect((await model.sample(features, 2, 1)).map((draw) => draw.length)).toEqual([36, 36]);
      const loaded = await learning.load(family, await model.serialise());
      expect(await loaded.predict(features)).toEqual(before);
      model.dispose();
      loaded.dispose();
    },
  );

  test.each(['gaussian-process', 'mlp-ensemble', 'random-forest'] as const)(
    '%s: is cross-validated without a leak',
    async (family) => {
      const run = (targets: Float64Array) =>
        crossValidate(learning, {
          settings: settingsOf[family],
          labelled: { ...set, targets },
          folds: 2,
          seed: 3,
        });
      const before = await run(set.targets);
      const row = set.targets.indexOf(Math.max(...set.targets));
      const after = await run(set.targets.map((y, i) => (i === row ? y + 50 : y)));
      expect(after.predictions.mean[row]).toBe(before.predictions.mean[row]);
      expect(after.predictions.mean).not.toEqual(before.predictions.mean);
    },
  );

  test("bytes of one family are refused as another's", async () => {
    const model = await learning.fit({ settings: settingsOf['gaussian-process'], labelled: set, seed: 1 });
    await expect(learning.load('mlp-ensemble', await model.serialise())).rejects.toMatchObject({
      code: 'artifact-corrupt',
    });
  });
});
