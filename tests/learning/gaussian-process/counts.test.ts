import fc from 'fast-check';
import type { GaussianProcessSettings } from '../../../src/contracts';
import { createRandom, selectFeatureRows } from '../../../src/foundation';
import { buildFeatureSpace, encodeRows } from '../../../src/learning/gaussian-process/feature-space';
import { fitGaussianProcess } from '../../../src/learning/gaussian-process/fit';
import { noiseDeviation, prepareModel } from '../../../src/learning/gaussian-process/model';
import { predictLatent } from '../../../src/learning/gaussian-process/posterior';
import { drawPrior } from '../../../src/learning/gaussian-process/prior-draws';
import { buildReference, kernelMatrix, kernelRow } from '../../../src/learning/gaussian-process/tanimoto';
import { describeWithPython, runPython } from '../../support/python';
import { bitRows, fingerprints, labelled, NOISE_RATIOS } from '../synthetic';
import { asVectors, countMatrix, randomCountRows, type CountRow } from './count-rows';

const settings: GaussianProcessSettings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS };
const encode = (rows: readonly CountRow[], training = rows) =>
  encodeRows(buildFeatureSpace(countMatrix(training)), countMatrix(rows));
const mix = { structure: 0.3, product: 0.25, descriptors: 0.45, lengthScale: 0.8 };

const ORACLE = `
import sys, json, numpy as np
from scipy.stats import norm, rankdata
def minmax(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    low = np.minimum(a[:, None, :], b[None, :, :]).sum(-1)
    high = np.maximum(a[:, None, :], b[None, :, :]).sum(-1)
    return np.where(high > 0, low / np.where(high > 0, high, 1), 1.0)
def scores(train, d):
    out = []
    for c in range(train.shape[1]):
        t = train[:, c]; knots = np.unique(t)
        u = np.array([(rankdata(t)[t == k][0] - 0.5) / len(t) for k in knots])
        g = norm.ppf(np.clip(u, 0.002, 0.998)); edge = norm.ppf(0.998)
        out.append(np.interp(d[:, c], knots, g, left=-edge, right=edge))
    return np.stack(out, 1)
def mixed(x, z, gx, gz, m):
    t = minmax(x, z)
    r = np.exp(-((gx[:, None, :] - gz[None, :, :]) ** 2).sum(-1) / (4 * m['lengthScale'] ** 2 * gx.shape[1]))
    return m['structure'] * t + m['product'] * t * r + m['descriptors'] * r
`;

describeWithPython('the GP on counts against NumPy', () => {
  const train = randomCountRows(30, 1, 4);
  const queries = randomCountRows(12, 2, 4, 90);
  const descriptors = (rows: readonly CountRow[]) =>
    rows.map((row) => row.descriptors.map((value) => Math.fround(value)));

  test('the MinMax kernel of counts, with keys that training has not seen in the norm of a query', () => {
    const plain = (rows: readonly CountRow[]) => rows.map(({ counts }) => ({ descriptors: [], counts }));
    const reference = buildReference(encode(plain(train)));
    const query = encode(plain(queries), plain(train));
    const [x, q] = asVectors(train, queries);
    const oracle = runPython<number[][]>(
      `${ORACLE}\nd = json.load(sys.stdin)\nprint(json.dumps(minmax(d['q'], d['x']).tolist()))`,
      { x, q },
    );
    oracle.forEach((row, r) => {
      const seen = new Float64Array(30);
      kernelRow(reference, query, r, new Int32Array(30), seen, 0);
      row.forEach((value, i) => expect(seen[i]).toBeCloseTo(value, 14));
    });
    // Among queries the keys that only they have count as well.
    const [own] = asVectors(queries);
    const among = runPython<number[][]>(
      `${ORACLE}\nx = json.load(sys.stdin)\nprint(json.dumps(minmax(x, x).tolist()))`,
      own,
    );
    const matrix = kernelMatrix(buildReference(query));
    among.forEach((row, r) => row.forEach((value, i) => expect(matrix[r * 12 + i]).toBeCloseTo(value, 14)));
  });

  test('mean and deviation of the mixed kernel at the hyperparameters found', () => {
    const random = createRandom(3);
    const y = train.map(({ descriptors: d, counts }) => d[0]! / 5 + counts.size + 0.3 * random.normal());
    const definition = fitGaussianProcess(settings, labelled(countMatrix(train), y));
    const model = prepareModel(definition);
    const { mean, deviation } = predictLatent(model, countMatrix(queries));
    const [x, q] = asVectors(train, queries);
    const oracle = runPython<{ mean: number[]; sd: number[] }>(
      `${ORACLE}
d = json.load(sys.stdin)
tx, tq = np.array(d['dx']), np.array(d['dq'])
gx, gq = scores(tx, tx), scores(tx, tq)
K = mixed(d['x'], d['x'], gx, gx, d['mix']); k = mixed(d['q'], d['x'], gq, gx, d['mix'])
s2 = d['signal'] ** 2; C = s2 * K + d['noise'] ** 2 * np.eye(len(K))
mean = d['mean'] + s2 * k @ np.linalg.solve(C, np.array(d['y']) - d['mean'])
var = s2 - s2 ** 2 * np.einsum('ij,ji->i', k, np.linalg.solve(C, k.T))
print(json.dumps(dict(mean=mean.tolist(), sd=np.sqrt(var).tolist())))`,
      {
        x,
        q,
        dx: descriptors(train),
        dq: descriptors(queries),
        y,
        mix: definition.mix,
        signal: definition.facts.signalDeviation,
        noise: noiseDeviation(model),
        mean: definition.facts.mean,
      },
    );
    mean.forEach((value, i) => expect(value).toBeCloseTo(oracle.mean[i]!, 6));
    deviation.forEach((value, i) => expect(value).toBeCloseTo(oracle.sd[i]!, 6));
  });
});

describe('counts', () => {
  test('of 1 are bits: the same kernel', () => {
    const bits = fingerprints(12, 4);
    const rows = bitRows(bits).map((row) => ({
      descriptors: [],
      counts: new Map(row.flatMap((on, bit) => (on ? [[bit, 1] as const] : []))),
    }));
    expect(kernelMatrix(buildReference(encode(rows)))).toEqual(
      kernelMatrix(buildReference(encodeRows(buildFeatureSpace(bits), bits))),
    );
  });

  test('the kernel is symmetric, 1 on the diagonal, in [0, 1], and blind to the names of keys', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 9 }), (seed, n) => {
        const rows = randomCountRows(n, seed, 3);
        const kernel = kernelMatrix(buildReference(encode(rows), mix));
        for (let i = 0; i < n; i++) {
          expect(kernel[i * n + i]).toBeCloseTo(1, 14);
          for (let j = 0; j < i; j++) {
            expect(kernel[i * n + j]).toBe(kernel[j * n + i]);
            expect(kernel[i * n + j]).toBeGreaterThanOrEqual(0);
            expect(kernel[i * n + j]).toBeLessThanOrEqual(1);
          }
        }
        const renamed = rows.map(({ descriptors, counts }) => ({
          descriptors,
          counts: new Map([...counts].map(([key, count]) => [~key >>> 0, count])),
        }));
        expect(kernelMatrix(buildReference(encode(renamed), mix))).toEqual(kernel);
      }),
      { numRuns: 20 },
    );
  });

  test('prior draws have the mixed kernel as covariance', () => {
    const encoded = encode(randomCountRows(8, 5, 3));
    const kernel = kernelMatrix(buildReference(encoded, mix));
    const draws = drawPrior([encoded], 300, createRandom(6), mix);
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j <= i; j++) {
        const product = draws.reduce((sum, draw) => sum + (draw[i]! * draw[j]!) / draws.length, 0);
        expect(Math.abs(product - kernel[i * 8 + j]!)).toBeLessThan(0.25);
      }
    }
  });

  test('with descriptors: the weights follow what the values depend on', () => {
    const rows = randomCountRows(80, 7, 2);
    const features = countMatrix(rows);
    const fit = (y: number[]) => fitGaussianProcess(settings, labelled(features, y)).mix!;
    const random = createRandom(8);
    const byDescriptor = fit(rows.map(({ descriptors }) => descriptors[0]! + 0.1 * random.normal()));
    const [vectors] = asVectors(rows);
    const weights = vectors![0]!.map(() => random.normal());
    const byStructure = fit(vectors!.map((x) => x.reduce((sum, count, k) => sum + count * weights[k]!, 0)));
    expect(byDescriptor.descriptors).toBeGreaterThan(0.7);
    expect(byStructure.descriptors).toBeLessThan(0.4);
    expect(byStructure.structure + byStructure.product + byStructure.descriptors).toBeCloseTo(1, 12);
  });

  test('descriptors that are no numbers, graphs and bundles are refused by name', () => {
    const rows = randomCountRows(3, 9, 1);
    const odd = countMatrix([rows[0]!, { ...rows[1]!, descriptors: [NaN] }, rows[2]!]);
    expect(() => fitGaussianProcess(settings, labelled(odd, [1, 2, 3]))).toThrow(
      expect.objectContaining({ code: 'numerical', parts: expect.objectContaining({ where: 'mol_1' }) }),
    );
    const whole = countMatrix(rows);
    const bundle = { ...whole, layout: 'bundle' as const, parts: [whole, whole] };
    expect(() => buildFeatureSpace(bundle)).toThrow(expect.objectContaining({ code: 'runtime-mismatch' }));
    const space = buildFeatureSpace(whole);
    expect(() => encodeRows(space, countMatrix(randomCountRows(2, 1)))).toThrow(
      expect.objectContaining({ code: 'runtime-mismatch' }),
    );
    expect(encodeRows(space, selectFeatureRows(whole, [2, 0])).rows).toBe(2);
  });
});
