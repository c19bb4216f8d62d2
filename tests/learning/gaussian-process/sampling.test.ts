import { createRandom } from '../../../src/foundation';
import { dot } from '../../../src/learning/gaussian-process/cholesky';
import { buildFeatureSpace, encodeRows } from '../../../src/learning/gaussian-process/feature-space';
import { fitGaussianProcess } from '../../../src/learning/gaussian-process/fit';
import { prepareModel } from '../../../src/learning/gaussian-process/model';
import { predictLatent } from '../../../src/learning/gaussian-process/posterior';
import { drawPrior } from '../../../src/learning/gaussian-process/prior-draws';
import { samplePathwise, samplePosterior } from '../../../src/learning/gaussian-process/sampling';
import { buildReference, kernelMatrix } from '../../../src/learning/gaussian-process/tanimoto';
import { fingerprints, labelled, matrix, NOISE_RATIOS, noisy, truth } from '../synthetic';

const features = fingerprints(40, 1);
const definition = fitGaussianProcess(
  { family: 'gaussian-process', noiseRatios: NOISE_RATIOS },
  labelled(features, noisy(truth(features), 0.5, 2)),
);
const model = prepareModel(definition);
const queries = fingerprints(6, 3);

/** Mean and covariance of draws. */
function moments(draws: Float64Array[]) {
  const n = draws[0]!.length;
  const mean = Float64Array.from({ length: n }, (_, i) =>
    draws.reduce((sum, draw) => sum + draw[i]! / draws.length, 0),
  );
  const covariance = (i: number, j: number) =>
    draws.reduce((sum, draw) => sum + ((draw[i]! - mean[i]!) * (draw[j]! - mean[j]!)) / draws.length, 0);
  return { mean, covariance };
}

describe('joint draws', () => {
  const { mean, deviation } = predictLatent(model, queries);

  test('mean and variance are those predicted, and a row drawn twice has one value', () => {
    const twice = {
      ...queries,
      rows: 12,
      data: Uint8Array.from([...queries.data, ...queries.data]),
      moleculeIds: [...queries.moleculeIds, ...queries.moleculeIds],
    };
    const draws = samplePosterior(model, twice, 4000, 7);
    const seen = moments(draws);
    mean.forEach((value, i) =>
      expect(Math.abs(seen.mean[i]! - value)).toBeLessThan((4 * deviation[i]!) / Math.sqrt(4000)),
    );
    deviation.forEach((sd, i) => expect(Math.sqrt(seen.covariance(i, i)) / sd).toBeCloseTo(1, 1));
    for (const draw of draws.slice(0, 20))
      for (let i = 0; i < 6; i++) expect(draw[i + 6]).toBeCloseTo(draw[i]!, 3);
  });

  test('covariance between rows converges to the posterior covariance', () => {
    const pairs = { ...queries };
    const seen = moments(samplePosterior(model, pairs, 6000, 8));
    // Posterior covariance from the definition: k(a, b) - k_a' C^-1 k_b, with C^-1 applied through the factor.
    const joint = {
      ...features,
      rows: 46,
      data: Uint8Array.from([...features.data, ...queries.data]),
      moleculeIds: [...features.moleculeIds, ...queries.moleculeIds],
    };
    const kernel = kernelMatrix(buildReference(encodeRows(model.space, joint)));
    const scale = model.scale ** 2 * model.signalVariance;
    const inverse = inverseOf(
      Float64Array.from(
        { length: 1600 },
        (_, at) => kernel[Math.floor(at / 40) * 46 + (at % 40)]! + (at % 41 === 0 ? model.noiseRatio : 0),
      ),
      40,
    );
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < i; j++) {
        const ki = kernel.slice((40 + i) * 46, (40 + i) * 46 + 40);
        const kj = kernel.slice((40 + j) * 46, (40 + j) * 46 + 40);
        let explained = 0;
        for (let a = 0; a < 40; a++) explained += ki[a]! * dot(inverse, a * 40, kj, 0, 40);
        const expected = scale * (kernel[(40 + i) * 46 + 40 + j]! - explained);
        expect(Math.abs(seen.covariance(i, j) - expected)).toBeLessThan(0.06 * deviation[i]! * deviation[j]!);
      }
    }
  });

  test('the same seed draws the same, another seed other values, and more draws begin with the same', () => {
    const three = samplePosterior(model, queries, 3, 1);
    expect(samplePosterior(model, queries, 3, 1)).toEqual(three);
    expect(samplePosterior(model, queries, 5, 1).slice(0, 3)).toEqual(three);
    expect(samplePosterior(model, queries, 3, 2)).not.toEqual(three);
    expect(samplePosterior(model, queries, 0, 1)).toEqual([]);
  });
});

describe('draws at many rows', () => {
  test('prior draws have the MinMax kernel as covariance, on bits and on descriptors', () => {
    const random = createRandom(4);
    const dense = matrix(
      'dense',
      8,
      20,
      Float32Array.from({ length: 160 }, (_, at) => (at % 20 < 14 ? random.below(2) : random.normal())),
    );
    for (const set of [fingerprints(8, 5), dense]) {
      const encoded = encodeRows(buildFeatureSpace(set), set);
      const kernel = kernelMatrix(buildReference(encoded));
      const draws = drawPrior([encoded], 300, createRandom(6));
      for (let i = 0; i < 8; i++) {
        for (let j = 0; j <= i; j++) {
          const product = draws.reduce((sum, draw) => sum + (draw[i]! * draw[j]!) / draws.length, 0);
          expect(Math.abs(product - kernel[i * 8 + j]!)).toBeLessThan(0.2);
        }
      }
    }
  });

  test('pathwise draws have the predicted mean and deviation, also where noise leaves doubt at measured rows', () => {
    const set = labelled(features, noisy(truth(features), 2, 10));
    // Held to a range of noise ratios in which the noise matters.
    const noisyModel = prepareModel(
      fitGaussianProcess({ family: 'gaussian-process', noiseRatios: [5] }, set),
    );
    const { mean, deviation } = predictLatent(noisyModel, features);
    const draws = samplePathwise(noisyModel, encodeRows(noisyModel.space, features), 250, createRandom(9));
    const seen = moments(draws);
    mean.forEach((value, i) => expect(Math.abs(seen.mean[i]! - value)).toBeLessThan(0.2 * deviation[i]!));
    deviation.forEach((sd, i) =>
      expect(Math.abs(Math.sqrt(seen.covariance(i, i)) / sd - 1)).toBeLessThan(0.2),
    );
  });
});

/** Gauss-Jordan, for the expectation only. */
function inverseOf(a: Float64Array, n: number): Float64Array {
  const work = a.slice();
  const out = Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
  for (let c = 0; c < n; c++) {
    const pivot = work[c * n + c]!;
    for (let j = 0; j < n; j++) {
      work[c * n + j]! /= pivot;
      out[c * n + j]! /= pivot;
    }
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const factor = work[r * n + c]!;
      for (let j = 0; j < n; j++) {
        work[r * n + j]! -= factor * work[c * n + j]!;
        out[r * n + j]! -= factor * out[c * n + j]!;
      }
    }
  }
  return out;
}
