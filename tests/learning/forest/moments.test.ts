import type { FeatureMatrix } from '../../../src/contracts';
import { createRandomForest } from '../../../src/learning/forest';
import { decodeForests } from '../../../src/learning/forest/codec';
import { columnCount, rowEncoder } from '../../../src/learning/forest/columns';
import type { Forest } from '../../../src/learning/forest/predict-rows';
import type { LabelledSet } from '../../../src/learning/learning';
import { fingerprints, labelled, noisy, truth } from '../synthetic';

const forests = createRandomForest({ threads: 2 });
afterAll(() => forests.close());

/** What each tree says of each row, and the leaf (over all trees) it says it by: by the trees as they are stored. */
function votesOf({ columns, trees }: Forest, features: FeatureMatrix) {
  const encode = rowEncoder(columns, features);
  const values = new Float32Array(columnCount(columns));
  return Array.from({ length: features.rows }, (_, row) => {
    encode(row, values, 0);
    return Array.from({ length: trees.nodeStarts.length - 1 }, (_, t) => {
      const root = trees.nodeStarts[t]!;
      let node = root;
      while (trees.columns[node]! >= 0)
        node =
          values[trees.columns[node]!]! <= trees.thresholds[node]! ? node + 1 : root + trees.rights[node]!;
      const leaf = trees.leafStarts[t]! + trees.rights[node]!;
      return { leaf, value: trees.values[leaf]! };
    });
  });
}

const meanOf = (values: readonly number[]) => values.reduce((sum, x) => sum + x / values.length, 0);
const sampleDeviation = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, x) => sum + (x - meanOf(values)) ** 2, 0) / (values.length - 1));

const features = fingerprints(300, 1);
const testing = fingerprints(40, 2);
const targets = noisy(truth(features), 0.5, 3);
const settings = { family: 'random-forest', trees: 60, maxFeatures: 0.2, minLeaf: 1 } as const;
async function fitted(set: LabelledSet) {
  const model = await forests.fit({ settings, labelled: set, seed: 1 });
  const [forest] = decodeForests(await model.serialise());
  return { prediction: await model.predict(testing), forest: forest!, votes: votesOf(forest!, testing) };
}

test("a regression's figures are those of its trees: their mean, their spread, and the errors in the leaves", async () => {
  const { prediction, forest, votes } = await fitted(labelled(features, targets));
  if (!('disagreement' in forest.spread)) throw new Error('a regression was asked for');
  const { error, disagreement } = forest.spread;
  expect(disagreement).toBeGreaterThan(0);
  expect(error).toBeGreaterThan(0);
  votes.forEach((own, row) => {
    const values = own.map(({ value }) => value);
    const sum = (of: ArrayLike<number>) => own.reduce((total, { leaf }) => total + of[leaf]!, 0);
    const near = sum(forest.trees.errors) / sum(forest.trees.errorCounts);
    expect(prediction.mean[row]).toBeCloseTo(meanOf(values), 9);
    expect(prediction.epistemic[row]! / sampleDeviation(values)).toBeCloseTo(Math.sqrt(disagreement), 9);
    expect(prediction.aleatoric[row]! ** 2 / near).toBeCloseTo(error, 9);
  });
});

test("a probability's deviation is half the spread of the votes, through the map of votes", async () => {
  const cut = [...targets].sort((a, b) => a - b)[220]!;
  const classes = labelled(
    features,
    targets.map((y) => Number(y > cut)),
  );
  const { prediction, forest, votes } = await fitted({ ...classes, task: 'classification' });
  if (!('prior' in forest.spread)) throw new Error('classes were asked for');
  const { prior, positives, slope, intercept } = forest.spread;
  const probabilityOf = (vote: number) => {
    const mixed = (1 - prior) * vote + prior * positives;
    return 1 / (1 + Math.exp(-slope * Math.log(mixed / (1 - mixed)) - intercept));
  };
  const step = 1e-5;
  votes.forEach((own, row) => {
    const values = own.map(({ value }) => value);
    const vote = meanOf(values);
    const p = probabilityOf(vote);
    expect(prediction.mean[row]).toBeCloseTo(p, 9);
    const steepness = (probabilityOf(vote + step) - probabilityOf(vote - step)) / (2 * step);
    const expected = Math.min(Math.sqrt(p * (1 - p)), (steepness * sampleDeviation(values)) / 2);
    expect(prediction.epistemic[row]).toBeCloseTo(expected, 6);
  });
});
