import {
  MEDIA_TYPES,
  type HeldOutPrediction,
  type ModelCard,
  type ModelSettings,
  type ModelVersion,
} from '../../src/contracts';
import { createRandom, decodeNdjson, encodeNdjson, Z90 } from '../../src/foundation';
import { calibrate, regressionMetricsWithIntervals, totalDeviation } from '../../src/learning';
import { PRODUCTION } from '../../src/rollout';
import {
  CAMPAIGN,
  FINGERPRINTS,
  GP,
  openRealModels,
  withChanges,
  type RealModels,
} from './support/real-models';

/**
 * Models made worse the way it happens: trained, registered, and rolled out by the workflows and activities that a campaign and
 * `titrate deploy` use, on 240 molecules of the solubility example. Each is stopped by the gate or the verdict that is meant for it.
 */
const MOLECULES = 240;
const TRIAL = [{ mode: 'canary', share: 50, watch: '1s', within: '2 minutes', requests: 25 }];

let models: RealModels;
let live: ModelVersion;

beforeAll(async () => {
  models = await openRealModels(MOLECULES);
  live = await models.train({ rows: models.rows.slice(0, 200) });
  expect(await models.deploy(live, { steps: [] })).toMatchObject({ status: 'deployed' });
}, 120_000);
afterAll(() => models.close());

const cardOf = (version: ModelVersion) => models.world.registry.card(version) as Promise<ModelCard>;
const heldOutOf = async (card: ModelCard) =>
  decodeNdjson<HeldOutPrediction>(await models.world.objects.get(card.heldOut!));
const failedOf = ({ gates }: { gates: readonly { gate: string; passed: boolean }[] }) =>
  gates.filter(({ passed }) => !passed).map(({ gate }) => gate);

/** A column that was sorted by itself: every molecule has a label, of another one. */
function shuffledLabels() {
  const values = createRandom(11).shuffle(models.rows.map(({ value }) => value));
  return models.train({ rows: models.rows.map((row, i) => ({ ...row, value: values[i]! })) });
}

/** Features that were stored with another radius than their name says; the server computes what the name says. */
async function anotherRadius() {
  const { shards } = await models.featurise({ ...FINGERPRINTS, radius: 3 } as typeof FINGERPRINTS);
  const { objects } = models.world;
  const stored = JSON.parse((await objects.get(shards)).toString()) as object[];
  const renamed = JSON.stringify(stored.map((shard) => ({ ...shard, featurizer: FINGERPRINTS })));
  const features = {
    featurizer: FINGERPRINTS,
    shards: await objects.put(Buffer.from(renamed), MEDIA_TYPES.json),
    digest: shards.sha256,
  };
  return models.train({ features });
}

/** Salts stripped from the text of a SMILES: what stands between dots is no fragment when a ring bond crosses the dot. */
async function textualSaltStripping() {
  const { chemistry } = models.world;
  const longest = (text: string) => text.split('.').reduce((a, b) => (b.length > a.length ? b : a));
  models.useChemistry(
    withChanges(chemistry, {
      prepare: (inputs, ...rest) =>
        chemistry.prepare(
          inputs.map((input) => ({ ...input, text: longest(input.text) })),
          ...rest,
        ),
    }),
  );
  return models.train();
}

/** Intervals calibrated on the molecules that the model was trained on, where it hardly errs. */
async function calibratedOnItsTraining() {
  const version = await models.train();
  const card = await cardOf(version);
  const { objects, learning } = models.world;
  const features = await models.world.chemistry.featurise(models.rows, FINGERPRINTS);
  const model = await learning.load(card.family, await objects.get(card.weights));
  const known = await model.predict(features);
  model.dispose();
  const values = Float64Array.from(models.rows, ({ value }) => value);
  const calibration = calibrate(values, known.mean, totalDeviation(known));
  const factor = calibration.scale / card.calibration.scale;
  return models.register({ ...card, calibration, ...(await rescaled(card, factor)) });
}

/** Held-out predictions whose deviations are `factor` times what they were, and the figures of these. */
async function rescaled(card: ModelCard, factor: number): Promise<Pick<ModelCard, 'heldOut' | 'metrics'>> {
  const rows = (await heldOutOf(card)).map((row): HeldOutPrediction => {
    const standardDeviation = factor * row.standardDeviation;
    const half = Z90 * standardDeviation;
    return { ...row, standardDeviation, interval90: [row.predicted - half, row.predicted + half] };
  });
  const take = (of: (row: HeldOutPrediction) => number) => Float64Array.from(rows, of);
  const metrics = regressionMetricsWithIntervals(
    take(({ observed }) => observed),
    take(({ predicted }) => predicted),
    take(({ standardDeviation }) => standardDeviation),
    1,
  );
  return { heldOut: await models.world.objects.put(encodeNdjson(rows), MEDIA_TYPES.ndjson), metrics };
}

/** A calibration that was made for an assay with five times the noise. */
async function calibratedForAnotherAssay() {
  const card = await cardOf(await models.train());
  const { calibration } = card;
  const scale = 5 * calibration.scale;
  return models.register({ ...card, calibration: { ...calibration, scale }, ...(await rescaled(card, 5)) });
}

/** The scale alone was changed on the card before it was registered: the figures beside it are those of the honest one. */
async function changedScale() {
  const card = await cardOf(await models.train());
  const { calibration } = card;
  return models.register({ ...card, calibration: { ...calibration, scale: 3 * calibration.scale } });
}

/** A good model with an ensemble beside it that is far too large for what it adds. */
const OVERSIZED: ModelSettings = {
  family: 'stack',
  folds: 2,
  models: [
    { settings: GP as Extract<ModelSettings, { family: 'gaussian-process' }>, part: 0 },
    {
      settings: {
        ...{ family: 'mlp-ensemble', members: 8, hidden: [1024, 1024], dropout: 0 },
        ...{ learningRate: 1e-3, weightDecay: 0, batchSize: 64, epochs: 1 },
      },
      part: 0,
    },
  ],
  weights: [0.99, 0.01],
};

test('a good model passes every gate and its trial, and serves', async () => {
  const better = await models.train();
  const stop = models.load();
  const outcome = await models.deploy(better, { steps: TRIAL });
  await stop();
  expect(outcome).toMatchObject({ status: 'deployed' });
  expect(failedOf(outcome)).toEqual([]);
  expect(outcome.gates.map(({ gate }) => gate)).toEqual([
    ...['integrity', 'finite', 'labels', 'quality', 'coverage', 'calibration', 'spelling', 'skew', 'budget'],
  ]);
  live = better;
});

test.each([
  [
    'labels that were shuffled',
    shuffledLabels,
    ['labels'],
    /labels \(The measured values of the 240 molecules that both held out are [\d.]+ log\(mol\/L\) .*one of the two sets of labels is wrong/,
  ],
  [
    'features stored with another radius',
    anotherRadius,
    ['skew'],
    /skew \(Predictions from SMILES as the server makes them differ by [\d.]+ log\(mol\/L\) at most from those of the features/,
  ],
  [
    'features that depend on the spelling',
    textualSaltStripping,
    ['spelling'],
    /spelling \(.*could not be predicted in both writings/,
  ],
  [
    'intervals calibrated on its own training set',
    calibratedOnItsTraining,
    ['coverage'],
    /coverage \(The calibrated 90 % interval holds [\d.]+ % of 240 held-out values .*; at least 75.0 % is asked/,
  ],
  [
    'intervals that are far too wide',
    calibratedForAnotherAssay,
    ['calibration'],
    /calibration \(Predicted deviations of [\d.]+ log\(mol\/L\) stand beside held-out errors of [\d.]+ log\(mol\/L\)/,
  ],
  [
    'a scale that is not that of its figures',
    changedScale,
    ['calibration'],
    /calibration \(.*the scale of [\d.]+ that it is served with is not theirs/,
  ],
] as const)('%s: held back by the gate meant for it', async (_what, make, gates, message) => {
  const version = await make();
  const outcome = await models
    .deploy(version, { steps: TRIAL })
    .finally(() => models.useChemistry(models.world.chemistry));
  expect(outcome).toMatchObject({ status: 'held', message: expect.stringMatching(message) });
  expect(failedOf(outcome)).toEqual(gates);
  expect((await models.world.registry.alias(CAMPAIGN, PRODUCTION))!.id).toBe(live.id);
});

test('a slow one: held back by its budget, and where the budget lets it pass, taken back by its latency on trial', async () => {
  const slow = await models.train({ settings: OVERSIZED });
  // Three times what the live model takes on this machine; the least of a few, for whatever else the machine does makes it more.
  const p99s: number[] = [];
  while (p99s.length < 3) {
    const { gates } = await models.deploy(live, { steps: [] });
    const { evidence } = gates.find(({ gate }) => gate === 'budget')!;
    p99s.push(Number(/single molecules ([\d.]+) ms/.exec(evidence)![1]));
  }
  const budget = { p99Milliseconds: 3 * Math.min(...p99s) };
  const held = await models.deploy(slow, { steps: TRIAL, budget });
  expect(held).toMatchObject({
    status: 'held',
    message: expect.stringMatching(/^held back by budget \(.*: p99 is over [\d.]+ ms\.\)$/),
  });

  const stop = models.load();
  const trial = { maxLatencyRatio: 1.2, latencyAllowanceMilliseconds: 0 };
  const tried = await models.deploy(slow, { steps: TRIAL, trial });
  await stop();
  expect(tried).toMatchObject({
    status: 'rolled-back',
    message: expect.stringMatching(
      /^rolled back by latency \(p99 is [\d.]+ ms beside the live model's [\d.]+ ms; [\d.]+ ms is allowed/,
    ),
  });
  expect(failedOf(tried)).toEqual([]);
  expect(await models.deployer.observe(CAMPAIGN)).toMatchObject({ version: live.id, candidate: null });
}, 180_000);
