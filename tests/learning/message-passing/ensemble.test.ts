import type { MessagePassingEnsembleSettings, TitrateError } from '../../../src/contracts';
import { createRandom, type GraphRow } from '../../../src/foundation';
import { createMessagePassingEnsemble } from '../../../src/learning';
import { ATOM_INPUTS, BOND_INPUTS } from '../../../src/learning/message-passing/atom-features';
import { labelled } from '../synthetic';
import { graphMatrix, randomGraph } from '../../support/random-graphs';

const settings: MessagePassingEnsembleSettings = {
  family: 'message-passing-ensemble',
  members: 2,
  messageSize: 24,
  depth: 3,
  hidden: [16],
  dropout: 0.05,
  learningRate: 3e-3,
  weightDecay: 0,
  batchSize: 32,
  epochs: 25,
};

/** What only messages along bonds can tell: the share of bonds between a nitrogen and an oxygen. */
function truth({ atoms, bonds }: GraphRow): number {
  const between = bonds.filter(({ begin, end }) => {
    return (
      atoms[begin]!.atomicNumber + atoms[end]!.atomicNumber === 7 + 8 &&
      atoms[begin]!.atomicNumber !== atoms[end]!.atomicNumber
    );
  });
  return (10 * between.length) / atoms.length;
}
const graphs = (count: number, seed: number) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => randomGraph(4 + random.below(10), random));
};
const [training, testing] = [graphs(300, 1), graphs(150, 2)];
const features = graphMatrix(training);
const targets = Float64Array.from(training, truth);
const rmse = (a: Float64Array, b: Float64Array) =>
  Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length);

const ensemble = createMessagePassingEnsemble({ threads: 2, backend: 'wasm' });
afterAll(() => ensemble.close());

test('learns what lies along the bonds, saves it, and predicts one molecule as among others', async () => {
  const model = await ensemble.fit({ settings, labelled: labelled(features, targets), seed: 1 });
  const truths = Float64Array.from(testing, truth);
  const { mean } = await model.predict(graphMatrix(testing));
  const average = targets.reduce((sum, value) => sum + value / targets.length, 0);
  const constant = new Float64Array(truths.length).fill(average);
  expect(rmse(mean, truths)).toBeLessThan(0.8 * rmse(constant, truths));
  expect(model).toMatchObject({ family: 'message-passing-ensemble', backend: 'wasm' });

  const bytes = await model.serialise();
  const again = await ensemble.load(bytes);
  expect((await again.predict(graphMatrix(testing))).mean).toEqual(mean);
  expect(Buffer.from(await again.serialise()).equals(bytes)).toBe(true);
  const alone = await again.predict(graphMatrix(testing.slice(3, 4)));
  expect(alone.mean[0]).toBeCloseTo(mean[3]!, 5);
  model.dispose();
  again.dispose();
});

test('the same request gives the same bytes on any number of threads', async () => {
  const bytesOf = async (threads: number, seed: number) => {
    const other = createMessagePassingEnsemble({ threads, backend: 'wasm' });
    const request = { settings: { ...settings, epochs: 2 }, labelled: labelled(features, targets), seed };
    const bytes = Buffer.from(await (await other.fit(request)).serialise());
    await other.close();
    return bytes;
  };
  const first = await bytesOf(1, 1);
  expect((await bytesOf(2, 1)).equals(first)).toBe(true);
  expect((await bytesOf(1, 2)).equals(first)).toBe(false);
});

test('descriptors in front of the graphs are learnt from', async () => {
  const random = createRandom(4);
  const values = training.map(() => Float32Array.of(100 + 50 * random.normal(), 7));
  const beside = Float64Array.from(values, ([value]) => value!);
  const model = await ensemble.fit({
    settings,
    labelled: labelled(graphMatrix(training, values), beside),
    seed: 1,
  });
  const { mean } = await model.predict(graphMatrix(training, values));
  expect(rmse(mean, beside)).toBeLessThan(15);
  expect(model.facts['inputs']).toBe(1 + ATOM_INPUTS + BOND_INPUTS);
  model.dispose();
});

test('classes', async () => {
  const classes = targets.map((value) => Number(value > 0.5));
  const request = { ...labelled(features, classes), task: 'classification' as const };
  const model = await ensemble.fit({ settings, labelled: request, seed: 1 });
  const { mean } = await model.predict(graphMatrix(testing));
  const right = testing.filter((graph, i) => truth(graph) > 0.5 === mean[i]! > 0.5).length;
  expect(right / testing.length).toBeGreaterThan(0.85);
  model.dispose();
});

test('what it cannot learn from is refused', async () => {
  const code = (changed: object, rows = features) =>
    ensemble.fit({ settings: { ...settings, ...changed }, labelled: labelled(rows, targets), seed: 1 }).then(
      () => 'none',
      (error: TitrateError) => error.code,
    );
  expect(await code({ depth: 0 })).toBe('config-invalid');
  expect(await code({ messageSize: 2.5 })).toBe('config-invalid');
  const values = training.map((_, i) => Float32Array.of(i === 5 ? NaN : i));
  expect(await code({}, graphMatrix(training, values))).toBe('numerical');
});
