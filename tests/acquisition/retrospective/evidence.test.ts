import { evidenceOf, leaveOneOut } from '../../../src/acquisition';
import { featurizerSchema, type FeatureMatrix } from '../../../src/contracts';
import { createRandom, selectFeatureRows } from '../../../src/foundation';
import { createLearning, type LabelledSet } from '../../../src/learning';

const random = createRandom(4);
const places = Array.from({ length: 160 }, () => random.next());
const features: FeatureMatrix = {
  spec: featurizerSchema.parse({ kind: 'descriptors' }),
  moleculeIds: places.map((_, i) => `point-${i}`),
  ...{ rows: places.length, columns: 1, layout: 'dense', data: Float32Array.from(places) },
};
const labelled: LabelledSet = {
  features,
  targets: Float64Array.from(places, (x) => Math.sin(5 * x) + 0.2 * random.normal()),
  qualifiers: places.map(() => '='),
  replicates: Float64Array.from(places, (_, i) => 1 + (i % 3)),
};

describe('evidence of a Gaussian process in closed form', () => {
  const learning = createLearning({ threads: 1, backend: 'cpu' });
  afterAll(() => learning.close());

  test("taking a label's likelihood out of the posterior is training without the label", async () => {
    // Three rows and an exact posterior by hand: prior covariance K, noise variance s / replicates, mean 0.
    const kernel = [
      [1, 0.6, 0.2],
      [0.6, 1, 0.5],
      [0.2, 0.5, 1],
    ];
    const targets = Float64Array.of(1, -0.4, 0.7);
    const replicates = Float64Array.of(1, 2, 1);
    const noise = 0.3;
    const posterior = (rows: readonly number[], at: number) => {
      const n = rows.length;
      const matrix = rows.map((i, r) => [
        ...rows.map((j, c) => kernel[i]![j]! + (r === c ? noise / replicates[i]! : 0)),
        targets[i]!,
        kernel[i]![at]!,
      ]);
      for (let p = 0; p < n; p++) {
        const pivot = matrix[p]![p]!;
        matrix[p] = matrix[p]!.map((value) => value / pivot);
        for (let r = 0; r < n; r++) {
          const factor = matrix[r]![p]!;
          if (r !== p) matrix[r] = matrix[r]!.map((value, c) => value - factor * matrix[p]![c]!);
        }
      }
      const sum = (column: number) =>
        rows.reduce((total, i, r) => total + kernel[i]![at]! * matrix[r]![column]!, 0);
      return { mean: sum(n), variance: kernel[at]![at]! - sum(n + 1) };
    };
    const all = [0, 1, 2];
    const whole = all.map((at) => posterior(all, at));
    const out = leaveOneOut(
      { targets, replicates },
      {
        mean: Float64Array.from(whole, ({ mean }) => mean),
        epistemic: Float64Array.from(whole, ({ variance }) => Math.sqrt(variance)),
        aleatoric: new Float64Array(3).fill(Math.sqrt(noise)),
      },
    );
    for (const at of all) {
      const without = posterior(
        all.filter((row) => row !== at),
        at,
      );
      expect(out.mean[at]).toBeCloseTo(without.mean, 10);
      expect(out.epistemic[at]! ** 2).toBeCloseTo(without.variance, 10);
    }
  });

  test('agrees with training again without each label', async () => {
    const settings = { family: 'gaussian-process', noiseRatios: [0.1] } as const;
    const model = await learning.fit({ settings, labelled, seed: 1 });
    const posterior = await model.predict(features);
    const out = leaveOneOut(labelled, posterior);
    let [apart, apartWithLabel] = [0, 0];
    for (let row = 0; row < features.rows; row += 16) {
      const others = [...places.keys()].filter((other) => other !== row);
      const less = await learning.fit({
        settings,
        labelled: {
          features: selectFeatureRows(features, others),
          targets: Float64Array.from(others, (other) => labelled.targets[other]!),
          qualifiers: others.map(() => '='),
          replicates: Float64Array.from(others, (other) => labelled.replicates[other]!),
        },
        seed: 1,
      });
      const [predicted] = (await less.predict(selectFeatureRows(features, [row]))).mean;
      apart += (predicted! - out.mean[row]!) ** 2;
      apartWithLabel += (predicted! - posterior.mean[row]!) ** 2;
      less.dispose();
    }
    model.dispose();
    // Not the same: scaling, hyperparameters and mean are learnt anew.
    expect(apart).toBeLessThan(0.3 * apartWithLabel);
  });

  test('says how well molecules were predicted, and by how much deviations are to be scaled', () => {
    const n = 200;
    const truth = Float64Array.from({ length: n }, () => random.normal());
    const predicted = {
      mean: truth.map((value) => value + 0.5 * random.normal()),
      aleatoric: new Float64Array(n),
      epistemic: new Float64Array(n).fill(1),
    };
    const { calibrationScale, heldOut } = evidenceOf({ targets: truth }, predicted);
    expect(calibrationScale).toBeGreaterThan(0.4);
    expect(calibrationScale).toBeLessThan(0.6);
    expect(heldOut.rmse).toBeCloseTo(0.5, 1);
    expect(heldOut.spread).toBeCloseTo(1, 0);
    expect(heldOut.coverage90).toBeGreaterThan(0.85);
  });
});
