import type { FeatureMatrix } from '../../contracts';
import { createRandom, type Random } from '../../foundation';
import { dot, solveLowerInPlace, solveLowerTransposeInPlace } from './cholesky';
import { encodeRows, type EncodedRows } from './feature-space';
import { logistic } from './link';
import { factorWithJitter, type PreparedModel } from './model';
import { project, relativeCovariance } from './posterior';
import { drawPrior } from './prior-draws';
import { kernelRows } from './tanimoto';

/** Up to here draws use the exact posterior covariance; its factorisation grows with the cube of the rows. */
export const EXACT_ROWS = 3000;
/** Rows whose kernel values are made together. */
const ROW_BLOCK = 256;

/**
 * Joint draws of the noise-free function at the rows, in the targets' unit.
 * Up to EXACT_ROWS rows through the Cholesky factor of the posterior covariance. Beyond, by pathwise conditioning
 * (Wilson et al. 2021, JMLR 22(105)): a prior draw by random features (prior-draws.ts), corrected by what the exact
 * posterior makes of the difference between the data and the draw; the cost is then linear in the rows.
 * @returns `count` draws, each with one value a row.
 * @throws numerical
 */
export function samplePosterior(
  model: PreparedModel,
  features: FeatureMatrix,
  count: number,
  seed: number,
): Float64Array[] {
  const query = encodeRows(model.space, features);
  const random = createRandom(seed);
  if (count === 0 || query.rows === 0)
    return Array.from({ length: count }, () => new Float64Array(query.rows));
  const draws =
    query.rows <= EXACT_ROWS
      ? sampleExactly(model, query, count, random)
      : samplePathwise(model, query, count, random);
  return model.link ? draws.map((draw) => draw.map(logistic)) : draws;
}

function sampleExactly(
  model: PreparedModel,
  query: EncodedRows,
  count: number,
  random: Random,
): Float64Array[] {
  const { rows } = query;
  const storage = new Float64Array(rows * model.rootWeights.length);
  const projection = project(model, query, 0, rows, storage);
  const { mean: means } = projection;
  const { factor } = factorWithJitter(() => relativeCovariance(model, query, projection), rows, 1);
  const deviation = Math.sqrt(model.signalVariance);
  const normals = new Float64Array(rows);
  return Array.from({ length: count }, () => {
    for (let r = 0; r < rows; r++) normals[r] = random.normal();
    return means.map(
      (mean, r) => model.shift + model.scale * (mean + deviation * dot(factor, r * rows, normals, 0, r + 1)),
    );
  });
}

export function samplePathwise(
  model: PreparedModel,
  query: EncodedRows,
  count: number,
  random: Random,
): Float64Array[] {
  const n = model.rootWeights.length;
  const { rows } = query;
  const deviation = Math.sqrt(model.signalVariance);
  const noise = Math.sqrt(model.noiseRatio);
  const prior = drawPrior([model.reference.encoded, query], count, random, model.reference.mix);
  // What each draw still lacks at the training rows: coefficients of a correction to the posterior mean.
  const corrections = prior.map((draw) => {
    if (model.correction) return sparseCorrection(model, model.correction, draw, random);
    const gap = model.rootWeights.map((root, i) => -(root * draw[i]! + noise * random.normal()));
    solveLowerInPlace(model.factor, n, gap, 1);
    solveLowerTransposeInPlace(model.factor, n, gap);
    return gap.map((value, i) => value * model.rootWeights[i]!);
  });
  const out = Array.from({ length: count }, () => new Float64Array(rows));
  const kernel = new Float64Array(Math.min(ROW_BLOCK, rows) * n);
  for (let from = 0; from < rows; from += ROW_BLOCK) {
    const block = Math.min(ROW_BLOCK, rows - from);
    kernelRows(model.reference, query, from, block, kernel);
    for (let q = 0; q < block; q++) {
      const mean = model.mean + dot(kernel, q * n, model.coefficients, 0, n);
      for (let d = 0; d < count; d++) {
        const path = prior[d]![n + from + q]! + dot(kernel, q * n, corrections[d]!, 0, n);
        out[d]![from + q] = model.shift + model.scale * (mean + deviation * path);
      }
    }
  }
  return out;
}

/** L^-T (e - L^-1 f): f the draw at the inducing molecules, e what their posterior scatters by about its mean. */
function sparseCorrection(
  { factor, noiseRatio, rootWeights }: PreparedModel,
  correction: Float64Array,
  draw: Float64Array,
  random: Random,
): Float64Array {
  const m = rootWeights.length;
  const scatter = Float64Array.from({ length: m }, () => Math.sqrt(noiseRatio) * random.normal());
  solveLowerTransposeInPlace(correction, m, scatter);
  const known = draw.slice(0, m);
  solveLowerInPlace(factor, m, known, 1);
  for (let i = 0; i < m; i++) scatter[i]! -= known[i]!;
  solveLowerTransposeInPlace(factor, m, scatter);
  return scatter;
}
