import { createPredictor, compareSpellings, respellSmiles, spellingInvariance } from '../../src/serving';
import { featuriseIsolating } from '../../src/serving/featurising';
import { ModelCache } from '../../src/serving/model-cache';
import {
  moleculeCapsSchema,
  standardisationSchema,
  TitrateError,
  type ModelVersion,
} from '../../src/contracts';
import { MOLECULES, openWorld, type World } from './support/world';

const CAMPAIGN = 'solubility-42';
let world: World;
let versions: ModelVersion[];

beforeAll(async () => {
  world = await openWorld();
  versions = [
    await world.train(CAMPAIGN),
    await world.train(CAMPAIGN, 100),
    await world.train(CAMPAIGN, 200),
  ];
});
afterAll(() => world.close());

test('predicts by version and by alias, without a server', async () => {
  const predictor = createPredictor(world);
  const by = { operationId: 'a', author: 'ada', reason: 'test' };
  await world.registry.moveAlias(CAMPAIGN, 'production', versions[1]!, by);
  const named = await predictor.predict(`${CAMPAIGN}@production`, ['CCO', 'oops']);
  expect(named).toMatchObject({ model: CAMPAIGN, version: 'v2', property: 'logS', unit: 'log(mol/L)' });
  expect(named.predictions[0]).toMatchObject({ standardSmiles: 'CCO' });
  expect(named.predictions[1]).toMatchObject({ smiles: 'oops', reason: 'molecule-unparsable' });
  expect(await predictor.predict(`${CAMPAIGN}/v2`, ['CCO', 'oops'])).toEqual(named);
  expect((await predictor.predict(`${CAMPAIGN}/v1`, [])).predictions).toEqual([]);
  await expect(predictor.predict(`${CAMPAIGN}/v9`, ['C'])).rejects.toMatchObject({ code: 'not-found' });
  await predictor.close();
  await expect(predictor.predict(`${CAMPAIGN}/v2`, ['C'])).rejects.toMatchObject({ code: 'unavailable' });
});

test('an ensemble on fingerprints and descriptors predicts like any other model', async () => {
  const version = await world.train('ensemble', 0, {
    family: 'mlp-ensemble',
    settings: {
      family: 'mlp-ensemble',
      members: 2,
      hidden: [16],
      dropout: 0,
      learningRate: 0.01,
      weightDecay: 0,
      batchSize: 16,
      epochs: 10,
    },
    featurizer: {
      kind: 'concatenation',
      parts: [{ kind: 'morgan', radius: 2, bits: 256, counts: 'none' }, { kind: 'descriptors' }],
    },
  });
  const predictor = createPredictor(world);
  const { predictions } = await predictor.predict(version.id, ['OCC', 'c1ccccc1CO']);
  expect(predictions[0]).toMatchObject({ standardSmiles: 'CCO', nearest: { similarity: 1 } });
  for (const outcome of predictions) {
    if ('error' in outcome) throw new Error(outcome.error);
    expect(Math.abs(outcome.value)).toBeLessThan(10);
    expect(outcome.standardDeviation).toBeGreaterThan(0);
  }
  const card = await world.registry.card(version);
  const found = await spellingInvariance({ predictor, objects: world.objects, version, card, molecules: 5 });
  expect(found).toMatchObject({ molecules: 5, maxDifference: 0, failures: [] });
  await predictor.close();
});

test('predictions do not depend on the company a molecule is in', async () => {
  const predictor = createPredictor(world);
  const together = await predictor.predict(`${CAMPAIGN}/v1`, MOLECULES);
  const alone = await Promise.all(
    MOLECULES.slice(0, 4).map((smiles) => predictor.predict(`${CAMPAIGN}/v1`, [smiles])),
  );
  expect(alone.map(({ predictions }) => predictions[0])).toEqual(together.predictions.slice(0, 4));
  await predictor.close();
});

test('a trained model is invariant to how SMILES are written, and a difference would be seen', async () => {
  const predictor = createPredictor(world);
  const card = await world.registry.card(versions[0]!);
  const found = await spellingInvariance({ predictor, objects: world.objects, version: versions[0]!, card });
  expect(found).toMatchObject({ maxDifference: 0, failures: [] });
  expect(found.molecules).toBeGreaterThan(20);
  const predict = async (smiles: readonly string[]) =>
    (await predictor.predict(`${CAMPAIGN}/v1`, smiles)).predictions;
  const other = await compareSpellings(predict, [
    { smiles: 'CCO', alternative: 'OCC' },
    { smiles: 'CCO', alternative: 'CCCCCCCC' },
    { smiles: 'CCO', alternative: 'nonsense' },
  ]);
  expect(other).toMatchObject({
    molecules: 2,
    worst: { smiles: 'CCO', alternative: 'CCCCCCCC' },
    failures: [expect.stringContaining('nonsense')],
  });
  expect(other.maxDifference).toBeGreaterThan(0.1);
  await predictor.close();
});

test('respelling changes the text and not the molecule, stereo included', async () => {
  const smiles = [
    ...MOLECULES,
    'C[C@H](N)C(=O)N1CCC[C@@H]1C(=O)O',
    'F/C=C/CCCl',
    'C1CC2CCC1CC2',
    '[O-][n+]1ccccc1CC',
    'CC1(C)S[C@@H]2[C@H](N)C(=O)N2[C@H]1C(=O)O',
  ];
  const pairs = smiles.flatMap((text) => {
    const other = respellSmiles(text);
    return other === null ? [] : [[text, other]];
  });
  expect(pairs.length).toBeGreaterThan(25);
  const caps = moleculeCapsSchema.parse({});
  const standard = await world.chemistry.standardise(
    pairs.flat().map((text) => ({ notation: 'smiles', text })),
    caps,
    standardisationSchema.parse({}),
  );
  pairs.forEach(([text, other], index) => {
    expect(other).not.toBe(text);
    const [a, b] = [standard[2 * index]!, standard[2 * index + 1]!];
    expect([text, b.ok && b.molecule]).toEqual([text, a.ok && a.molecule]);
  });
  expect(respellSmiles('C')).toBeNull();
  expect(respellSmiles('[Na+]')).toBeNull();
});

test('a molecule that cannot be featurised is found by halving, and costs only itself', async () => {
  const molecules = ['CCO', 'CCN', 'broken', 'CCC', 'broken', 'CCCC'].map((smiles, i) => ({
    moleculeId: `m${i}`,
    smiles,
  }));
  let calls = 0;
  const chemistry = {
    ...world.chemistry,
    featurise: async (
      part: readonly { moleculeId: string; smiles: string }[],
      spec: Parameters<World['chemistry']['featurise']>[1],
    ) => {
      calls += 1;
      if (part.some(({ smiles }) => smiles === 'broken'))
        throw new TitrateError('molecule-invalid', { what: 'cannot be featurised' });
      return world.chemistry.featurise(part, spec);
    },
  };
  const { runs, failures } = await featuriseIsolating(chemistry, molecules, [{ kind: 'maccs' }]);
  expect([...failures.keys()].sort()).toEqual([2, 4]);
  expect(runs.flatMap(({ from, rows }) => Array.from({ length: rows }, (_, i) => from + i)).sort()).toEqual([
    0, 1, 3, 5,
  ]);
  expect(calls).toBeLessThan(12);
});

test('the cache loads once for many, keeps what is pinned or in use, and drops the rest', async () => {
  const unloaded: string[] = [];
  const loads: string[] = [];
  const cache = new ModelCache(world, {
    retainMs: 0,
    onLoad: ({ id }) => loads.push(id),
    onUnload: ({ id }) => unloaded.push(id),
  });
  const [one, two, three] = versions as [ModelVersion, ModelVersion, ModelVersion];
  const leases = await Promise.all([cache.lease(one), cache.lease(one), cache.lease(two)]);
  expect(loads).toHaveLength(2);
  cache.pin(CAMPAIGN, two.id);
  leases[0]!.release();
  leases[0]!.release();
  leases[2]!.release();
  await new Promise((resolve) => setTimeout(resolve, 5));
  cache.sweep();
  expect(unloaded).toEqual([]); // one is still leased once, two is pinned
  leases[1]!.release();
  await new Promise((resolve) => setTimeout(resolve, 5));
  cache.sweep();
  expect(unloaded).toEqual([one.id]);

  const held = await cache.lease(three);
  await cache.close();
  expect(unloaded).toEqual([one.id, two.id]);
  expect((await held.model.predict(['CCO']))[0]).toHaveProperty('value');
  held.release();
  expect(unloaded).toEqual([one.id, two.id, three.id]);
});

test('a failed load is not remembered', async () => {
  const cache = new ModelCache(world);
  const broken = await world.registerBroken(CAMPAIGN);
  await expect(cache.lease(broken)).rejects.toMatchObject({ code: 'artifact-missing' });
  await expect(cache.lease(broken)).rejects.toMatchObject({ code: 'artifact-missing' });
  expect(cache.loaded()).toEqual([]);
  await cache.close();
});

test('a model whose thread dies in use is loaded anew, and the caller notices nothing', async () => {
  let loads = 0;
  let disposed = 0;
  const learning: World['learning'] = {
    ...world.learning,
    async load(family, bytes) {
      const model = await world.learning.load(family, bytes);
      const dies = (loads += 1) === 1;
      return {
        ...model,
        predict: (features, signal) =>
          dies
            ? Promise.reject(new TitrateError('thread-died', { what: 'the thread ended' }))
            : model.predict(features, signal),
        dispose: () => {
          disposed += 1;
          model.dispose();
        },
      };
    },
  };
  const predictor = createPredictor({ ...world, learning });
  const { predictions } = await predictor.predict(`${CAMPAIGN}/v1`, ['CCO']);
  expect(predictions[0]).toHaveProperty('value');
  expect([loads, disposed]).toEqual([2, 1]);
  await predictor.close();
  expect(disposed).toBe(2);
});
