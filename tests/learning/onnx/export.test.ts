import type {
  FeatureMatrix,
  GaussianProcessSettings,
  MlpEnsembleSettings,
  ModelCalibration,
  ModelSettings,
  StackSettings,
  TrainedCard,
} from '../../../src/contracts';
import { selectFeatureRows } from '../../../src/foundation';
import { applyCalibration } from '../../../src/learning/calibration';
import type { LabelledSet } from '../../../src/learning/learning';
import { exportOnnx, ONNX_OUTPUTS, onnxInputs, readOnnxDescription } from '../../../src/learning/onnx';
import { bundleOf } from '../../../src/learning/recipe';
import { encodeStack } from '../../../src/learning/stack/codec';
import { createLearning } from '../../../src/learning/service';
import { figuresAt } from '../../../src/serving/calibrated-figures';
import { describeWithPython } from '../../support/python';
import { NOISE_RATIOS } from '../synthetic';
import {
  classesOf,
  exported,
  PLATT,
  randomMolecules,
  runOnnx,
  SCALE,
  valuesOf,
  type Answer,
} from './support';

const gp: GaussianProcessSettings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS };
const mlp: MlpEnsembleSettings = {
  family: 'mlp-ensemble',
  members: 3,
  hidden: [16, 8],
  dropout: 0,
  learningRate: 3e-3,
  weightDecay: 0.01,
  batchSize: 16,
  epochs: 4,
};
const learning = createLearning({ threads: 2, backend: 'wasm' });
afterAll(() => learning.close());

const ROWS = 60;
const training = randomMolecules(ROWS, 1);
/** Other keys, larger counts than in training, and descriptors beyond its range. */
const queries = randomMolecules(40, 2, { count: 900, outlier: 30 });
type Kind = 'bits' | 'dense' | 'counts' | 'mixed';

interface Case {
  readonly settings: ModelSettings;
  readonly labelled: LabelledSet;
  readonly features: FeatureMatrix;
  readonly calibration?: ModelCalibration;
}

/**
 * Largest difference of each case between what Python's onnxruntime says and what `titrate predict` would write, relative to the size
 * of the values. Deviations are compared with the size of deviations, not each with itself: members may nearly agree.
 */
async function differences(cases: readonly Case[]): Promise<number[]> {
  const expected: Record<(typeof ONNX_OUTPUTS)[number], number[]>[] = [];
  const models: Parameters<typeof runOnnx>[0][number][] = [];
  for (const { settings, labelled, features, calibration = SCALE } of cases) {
    const model = await learning.fit({ settings, labelled, seed: 3 });
    const { bytes, description } = await exported(model, features, calibration);
    models.push({ bytes, inputs: [onnxInputs(features, description.input)] });
    const predicted = applyCalibration(calibration, await model.predict(features));
    model.dispose();
    const rows = Array.from(features.moleculeIds, (_, row) => figuresAt(labelled.task, predicted, row)!);
    const column = (name: (typeof ONNX_OUTPUTS)[number]) => rows.map((row) => row[name]);
    expected.push({
      value: column('value'),
      standardDeviation: column('standardDeviation'),
      aleatoric: column('aleatoric'),
      epistemic: column('epistemic'),
    });
  }
  return runOnnx(models).map(({ runs }, i) => {
    const errors = ONNX_OUTPUTS.map((name) => {
      const ours = expected[i]![name];
      const size = Math.max(...ours.map(Math.abs)) || 1;
      expect(runs[0]![name]).toHaveLength(ours.length);
      return Math.max(...runs[0]![name].map((value, row) => Math.abs(value - ours[row]!) / size));
    });
    return Math.max(...errors);
  });
}

/** Keys and counts of every row of a matrix of counts. */
function counted({
  rows,
  columns,
  data,
  offsets,
}: FeatureMatrix): [key: number, count: number, row: number][] {
  return Array.from({ length: rows }, (_, row) => row).flatMap((row) => {
    const words = data.subarray(offsets![row]! + columns, offsets![row + 1]);
    return Array.from({ length: words.length / 2 }, (__, i): [number, number, number] => [
      words[2 * i]!,
      words[2 * i + 1]!,
      row,
    ]);
  });
}

const withNaN = () => ({
  ...queries.mixed,
  data: queries.mixed.data.map((word, i) => (i === 0 ? 0x7fc00000 : word)) as Uint32Array,
});

const KINDS: readonly Kind[] = ['bits', 'dense', 'counts', 'mixed'];
const values = (settings: ModelSettings, kind: Kind): Case => ({
  settings,
  labelled: valuesOf(training[kind], training.values),
  features: queries[kind],
});
const classes = (settings: ModelSettings, kind: Kind): Case => ({
  settings,
  labelled: classesOf(training[kind], training.values),
  features: queries[kind],
  calibration: PLATT,
});
/** Far below what single precision could give. */
const EXACT = 1e-9;
const SINGLE = 1e-5;

describeWithPython("models in ONNX, run by Python's onnxruntime", () => {
  describe('a Gaussian process predicts the same to 1e-9', () => {
    const sparse = { ...gp, exactRows: 30, inducing: 25 };

    test('on every kind of features, and at its own training rows', async () => {
      const own = KINDS.map((kind) => ({ ...values(gp, kind), features: training[kind] }));
      const found = await differences([...KINDS.map((kind) => values(gp, kind)), ...own]);
      for (const difference of found) expect(difference).toBeLessThan(EXACT);
    });

    test('in the sparse form', async () => {
      const found = await differences(KINDS.map((kind) => values(sparse, kind)));
      for (const difference of found) expect(difference).toBeLessThan(EXACT);
    });

    test('of classes, exact and sparse', async () => {
      const found = await differences([classes(gp, 'bits'), classes(gp, 'mixed'), classes(sparse, 'mixed')]);
      for (const difference of found) expect(difference).toBeLessThan(EXACT);
    });

    test('with bounds and replicates among its labels', async () => {
      const set = values(gp, 'counts');
      const labelled: LabelledSet = {
        ...set.labelled,
        qualifiers: Array.from({ length: ROWS }, (_, i) => (i % 5 === 0 ? '>' : '=')),
        replicates: Float64Array.from({ length: ROWS }, (_, i) => 1 + (i % 3)),
      };
      expect((await differences([{ ...set, labelled }]))[0]).toBeLessThan(EXACT);
    });
  });

  test('an ensemble of perceptrons predicts the same to 1e-5: values, classes, no hidden layer, one member', async () => {
    const found = await differences([
      ...KINDS.map((kind) => values(mlp, kind)),
      ...KINDS.map((kind) => classes(mlp, kind)),
      values({ ...mlp, hidden: [] }, 'mixed'),
      values({ ...mlp, members: 1 }, 'mixed'),
    ]);
    for (const difference of found) expect(difference).toBeLessThan(SINGLE);
  });

  test('of several properties the wanted one is in the graph, and the metadata say how many are not', async () => {
    const column = valuesOf(training.mixed, training.values);
    const other = { ...column, targets: training.values.map((value) => -value) };
    const labelled = { ...column, auxiliary: [other, other] };
    const [exact, single] = await differences(
      [gp, mlp].map((settings) => ({ settings, labelled, features: queries.mixed })),
    );
    expect(exact).toBeLessThan(EXACT);
    expect(single).toBeLessThan(SINGLE);
    const model = await learning.fit({ settings: mlp, labelled, seed: 1 });
    const { description } = await exported(model, queries.mixed, SCALE);
    expect(description.auxiliaryLeftOut).toBe(2);
  });

  test('a stack predicts the same; models on the same features share columns', async () => {
    const bundle = (of: typeof training) => bundleOf([of.bits, of.mixed]);
    const settings: StackSettings = {
      family: 'stack',
      folds: 2,
      weights: [0.5, 0.2, 0.3],
      models: [
        { settings: gp, part: 1 },
        { settings: mlp, part: 1 },
        { settings: mlp, part: 0 },
      ],
    };
    const features = bundle(queries);
    const labelled = valuesOf(bundle(training), training.values);
    const ofClasses = classesOf(bundle(training), training.values);
    const found = await differences([
      { settings, labelled, features },
      { settings, labelled: ofClasses, features, calibration: PLATT },
    ]);
    for (const difference of found) expect(difference).toBeLessThan(SINGLE);
    const model = await learning.fit({ settings, labelled, seed: 1 });
    const { sections } = (await exported(model, features, SCALE)).description.input;
    expect(sections.map(({ part, kind }) => [part, kind])).toEqual([
      [0, 'bits'],
      [1, 'descriptors'],
      [1, 'counts'],
      [1, 'total'],
    ]);
  });

  test.each([gp, mlp])('no row, one row and many rows, $family', async (settings) => {
    const labelled = valuesOf(training.mixed, training.values);
    const model = await learning.fit({ settings, labelled, seed: 1 });
    const { bytes, description } = await exported(model, queries.mixed, SCALE);
    const take = (from: number, to: number) =>
      selectFeatureRows(
        queries.mixed,
        Array.from({ length: to - from }, (_, i) => from + i),
      );
    const parts = [take(0, 0), take(7, 8), take(0, 40)].map((part) => onnxInputs(part, description.input));
    const [{ runs }] = runOnnx([{ bytes, inputs: parts }]) as [Answer];
    expect(runs.map(({ value }) => value.length)).toEqual([0, 1, 40]);
    for (const name of ONNX_OUTPUTS) {
      const [alone, among] = [runs[1]![name][0]!, runs[2]![name][7]!];
      expect(Math.abs(alone / among - 1)).toBeLessThan(1e-5);
    }
  });

  test('the file says what goes in, what comes out, and what its columns are', async () => {
    const labelled = valuesOf(training.mixed, training.values);
    const model = await learning.fit({ settings: gp, labelled, seed: 1 });
    const { bytes, description } = await exported(model, training.mixed, SCALE);
    const again = await exported(model, training.mixed, SCALE);
    expect(Buffer.compare(again.bytes, bytes)).toBe(0);
    const { columns, sections } = description.input;
    const [answer] = runOnnx([{ bytes, inputs: [] }]) as [Answer];
    expect(answer.inputs).toEqual([['features', 'tensor(float)', ['rows', columns]]]);
    expect(answer.outputs).toEqual(ONNX_OUTPUTS.map((name) => [name, 'tensor(double)', ['rows']]));
    expect([answer.producer, answer.doc]).toEqual([
      'titrate',
      'logS, mol/L: gaussian-process trained on 60 molecules',
    ]);
    const told = JSON.parse(answer.metadata['titrate']!) as typeof description;
    expect(told).toEqual(description);
    expect(readOnnxDescription(bytes)).toEqual(description);
    expect(told).toMatchObject({
      ...{ format: 1, model: 'pilot/v1', property: 'logS', unit: 'mol/L', task: 'regression' },
      ...{ rdkit: '2026.09.1', ruleSet: 'standard-2', calibration: SCALE, featurizer: training.mixed.spec },
    });

    // By the description alone: the columns of a molecule.
    const { data, offsets } = queries.mixed;
    const values = new Float32Array(data.slice(offsets![3], offsets![3]! + 43).buffer);
    const counts = new Map(
      counted(queries.mixed).flatMap(([key, count, row]) => (row === 3 ? [[key, count]] : [])),
    );
    const byHand = sections.flatMap((section) => {
      if (section.kind === 'descriptors') return section.names.map((_, i) => values[section.column + i]!);
      if (section.kind === 'counts') return section.keys.map((key) => counts.get(key) ?? 0);
      return section.kind === 'total' ? [[...counts.values()].reduce((sum, count) => sum + count, 0)] : [];
    });
    const input = onnxInputs(queries.mixed, description.input);
    expect([...input.data.subarray(3 * columns, 4 * columns)]).toEqual(byHand);
    // Some of what they are asked about here was not in training, and is in the total all the same.
    const known = new Set(sections.flatMap((section) => (section.kind === 'counts' ? section.keys : [])));
    expect(counted(queries.mixed).some(([key]) => !known.has(key))).toBe(true);
  });

  test.each([
    [
      'bits that it was not trained on',
      () => queries.bits,
      'config-invalid',
      /reads morgan3-counts\+desc.*given morgan2-64/,
    ],
    ['a descriptor that is no number', withNaN, 'numerical', /descriptor exactmw is NaN/],
  ] as const)('%s are refused', async (_, features, code, message) => {
    const labelled = valuesOf(training.mixed, training.values);
    const model = await learning.fit({ settings: mlp, labelled, seed: 1 });
    const { description } = await exported(model, training.mixed, SCALE);
    const attempt = () => onnxInputs(features(), description.input);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code }) as Error);
  });
});

test('a family that has no graph is refused by name, also inside a stack', () => {
  const card = { family: 'message-passing-ensemble' } as TrainedCard;
  const attempt = () => exportOnnx({ name: 'pilot/v1', card, weights: new Uint8Array(0) });
  expect(attempt).toThrow(/the model is a message-passing-ensemble; what can be exported is mlp-ensemble, /);
  const weights = encodeStack({
    weights: [1],
    parts: [0],
    featurizers: ['graph'],
    models: [{ family: 'message-passing-ensemble', bytes: new Uint8Array(4) }],
  });
  const stacked = () => exportOnnx({ name: 'pilot/v1', card: { family: 'stack' } as TrainedCard, weights });
  expect(stacked).toThrow(/model 1 of the stack is a message-passing-ensemble/);
  expect(stacked).toThrow(expect.objectContaining({ code: 'config-invalid' }) as Error);
});

test('bytes that are no model in ONNX, or not one of ours, are refused', () => {
  expect(() => readOnnxDescription(Buffer.from('no model'))).toThrow(/no model in ONNX/);
  expect(() => readOnnxDescription(Buffer.from([8, 8]))).toThrow(/no entry 'titrate' in its metadata/);
});
