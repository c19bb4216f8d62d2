import { createRandom } from '../../../src/foundation';
import { fitGaussianProcess } from '../../../src/learning/gaussian-process/fit';
import {
  likelihoodAt,
  maximiseLikelihood,
  profileLikelihood,
} from '../../../src/learning/gaussian-process/marginal-likelihood';
import { noiseDeviation, prepareModel } from '../../../src/learning/gaussian-process/model';
import { predictLatent } from '../../../src/learning/gaussian-process/posterior';
import { buildFeatureSpace, encodeRows } from '../../../src/learning/gaussian-process/feature-space';
import { buildReference, kernelMatrix } from '../../../src/learning/gaussian-process/tanimoto';
import { describeWithPython, runPython } from '../../support/python';
import { bitRows, fingerprints, labelled, matrix, NOISE_RATIOS, noisy, truth } from '../synthetic';

const TANIMOTO = `
import sys, json, numpy as np
def minmax(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    low = np.minimum(a[:, None, :], b[None, :, :]).sum(-1)
    high = np.maximum(a[:, None, :], b[None, :, :]).sum(-1)
    return np.where(high > 0, low / np.where(high > 0, high, 1), 1.0)
`;

describeWithPython('the GP against scikit-learn and NumPy', () => {
  const features = fingerprints(40, 1);
  const queries = fingerprints(15, 2);
  const random = createRandom(3);
  const replicates = Array.from({ length: 40 }, () => 1 + random.below(4));
  const targets = noisy(truth(features), 0.7, 4);

  test('mean, latent deviation and log marginal likelihood equal GaussianProcessRegressor at the same hyperparameters', () => {
    const definition = fitGaussianProcess(
      { family: 'gaussian-process', noiseRatios: NOISE_RATIOS },
      labelled(features, targets, { replicates }),
    );
    const model = prepareModel(definition);
    const { mean, deviation } = predictLatent(model, queries);
    const facts = definition.facts as Record<string, number>;
    const oracle = runPython<{ mean: number[]; sd: number[]; lml: number }>(
      `${TANIMOTO}
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel, Hyperparameter
class Tanimoto(Kernel):
    def __init__(self, variance=1.0): self.variance = variance
    def __call__(self, X, Y=None, eval_gradient=False): return self.variance * minmax(X, X if Y is None else Y)
    def diag(self, X): return np.full(len(X), self.variance)
    def is_stationary(self): return False
d = json.load(sys.stdin)
gp = GaussianProcessRegressor(Tanimoto(d['signal'] ** 2), alpha=d['noise'] ** 2 / np.array(d['replicates']), optimizer=None)
gp.fit(np.array(d['x']), np.array(d['y']) - d['mean'])
mean, sd = gp.predict(np.array(d['q']), return_std=True)
print(json.dumps(dict(mean=(mean + d['mean']).tolist(), sd=sd.tolist(), lml=float(gp.log_marginal_likelihood_value_))))`,
      {
        x: bitRows(features),
        q: bitRows(queries),
        y: [...targets],
        replicates,
        signal: facts.signalDeviation,
        noise: noiseDeviation(model),
        mean: facts.mean,
      },
    );
    expect(facts.logMarginalLikelihood).toBeCloseTo(oracle.lml, 6);
    mean.forEach((value, i) => expect(value).toBeCloseTo(oracle.mean[i]!, 6));
    deviation.forEach((value, i) => expect(value).toBeCloseTo(oracle.sd[i]!, 6));
  });

  test('at any noise ratio, mean, variance and likelihood are those of dense algebra, and no grid point beats the optimum', () => {
    const kernel = kernelMatrix(buildReference(encodeRows(buildFeatureSpace(features), features)));
    const profile = profileLikelihood(
      kernel,
      targets,
      Float64Array.from(replicates),
      new Uint8Array(40).fill(1),
    );
    const ratios = [1e-4, 0.003, 0.2, 5];
    const best = maximiseLikelihood(profile, NOISE_RATIOS);
    const oracle = runPython<{ at: number[][]; top: number }>(
      `${TANIMOTO}
d = json.load(sys.stdin)
K, y, w = minmax(d['x'], d['x']), np.array(d['y']), np.array(d['w'], float)
def at(ratio):
    C = K + np.diag(ratio / w); one = np.ones(len(y))
    m = one @ np.linalg.solve(C, y) / (one @ np.linalg.solve(C, one))
    r = y - m; s2 = r @ np.linalg.solve(C, r) / len(y)
    return [m, s2, -0.5 * (len(y) * np.log(2 * np.pi * s2) + np.linalg.slogdet(C)[1] + len(y))]
print(json.dumps(dict(at=[at(r) for r in d['ratios']], top=max(at(r)[2] for r in np.exp(np.linspace(np.log(1e-4), np.log(10), 4000))))))`,
      { x: bitRows(features), y: [...targets], w: replicates, ratios },
    );
    ratios.forEach((ratio, i) => {
      const { mean, signalVariance, logLikelihood } = likelihoodAt(profile, ratio)!;
      expect(mean).toBeCloseTo(oracle.at[i]![0]!, 8);
      expect(signalVariance).toBeCloseTo(oracle.at[i]![1]!, 7);
      expect(logLikelihood).toBeCloseTo(oracle.at[i]![2]!, 7);
    });
    expect(best.logLikelihood).toBeGreaterThanOrEqual(oracle.top - 1e-7);
  });

  test('dense features: bits as bits, descriptors as quantile pairs, the MinMax kernel of both', () => {
    const rows = 12;
    const columns = 9;
    const draw = createRandom(5);
    const data = Float32Array.from({ length: rows * columns }, (_, at) =>
      at % columns < 6 ? draw.below(2) : draw.normal() * 100 - 20,
    );
    // One column says nothing, one has ties.
    for (let r = 0; r < rows; r++) [data[r * columns + 8], data[r * columns + 7]] = [3.5, r % 4];
    const dense = matrix('dense', rows, columns, data);
    const kernel = kernelMatrix(buildReference(encodeRows(buildFeatureSpace(dense), dense)));
    const oracle = runPython<number[][]>(
      `${TANIMOTO}
from scipy.stats import rankdata
x = np.array(json.load(sys.stdin))
u = np.stack([(rankdata(x[:, c]) - 0.5) / len(x) for c in (6, 7)], 1)
z = np.concatenate([x[:, :6], u, 1 - u], 1)
print(json.dumps(minmax(z, z).tolist()))`,
      Array.from({ length: rows }, (_, r) => [...data.subarray(r * columns, (r + 1) * columns)]),
    );
    oracle.forEach((row, i) =>
      row.forEach((value, j) => expect(kernel[i * rows + j]).toBeCloseTo(value, 12)),
    );
  });
});
