import type { FeatureMatrix } from '../../contracts';
import { selectFeatureRows } from '../../foundation';
import { moveSite, type CensoredProblem, type Sites } from './censoring';
import { dot, solveLowerInPlace } from './cholesky';
import { buildFeatureSpace, encodeRows, type EncodedRows, type FeatureSpace } from './feature-space';
import { chooseInducing } from './inducing';
import { factorInducing, type InducingPosterior } from './model';
import { solveSparse, sparseRows, type SparsePosterior, type SparseRows } from './sparse';
import { buildReference, type KernelMix } from './tanimoto';

/** Sweeps over the sites of censored rows; each costs as much as a fit without them. */
const SWEEPS = 5;
/** Rows whose variances are found together. */
const BLOCK = 256;

/** The inducing molecules of a training set and what they say of its rows. */
export interface SparseBasis {
  readonly features: FeatureMatrix;
  readonly space: FeatureSpace;
  readonly rows: SparseRows;
}

/** @param first rows that are to be inducing molecules if they say anything. @throws numerical */
export function sparseBasis(
  features: FeatureMatrix,
  space: FeatureSpace,
  encoded: EncodedRows,
  mix: KernelMix | undefined,
  count: number,
  first?: readonly number[],
): SparseBasis {
  const inducing = selectFeatureRows(features, chooseInducing(encoded, mix, count, first));
  // As `prepareModel` has it later: columns are those of the inducing molecules' own keys.
  const own: FeatureSpace = { ...space, keys: buildFeatureSpace(inducing).keys };
  const reference = buildReference(encodeRows(own, inducing), mix);
  const { factor } = factorInducing(reference);
  return { features: inducing, space: own, rows: sparseRows(reference, factor, encodeRows(own, features)) };
}

export function inducingPosterior(
  { space: { keys: _, ...space } }: SparseBasis,
  { gram, projection }: SparsePosterior,
): InducingPosterior {
  return { space, gram, projection };
}

/**
 * The sparse posterior at given hyperparameters; the mean is at its best. (The signal variance is not: its best here would pay for all
 * that the inducing molecules leave unexplained, and predictions have that variance already.)
 * @param parameters in standardised units.
 * @throws numerical
 */
export function fitSparse(
  basis: SparseBasis,
  { values, qualifiers, replicates }: Omit<CensoredProblem, 'kernel'>,
  parameters: { noiseRatio: number; signalVariance: number },
): { posterior: SparsePosterior; logLikelihood: number } {
  const { noiseRatio, signalVariance } = parameters;
  const n = values.length;
  const sites: Sites = {
    targets: values.slice(),
    weights: replicates.map((count, i) => (qualifiers[i] === '=' ? count : 0)),
  };
  let posterior = solveSparse(basis.rows, sites.targets, sites.weights, noiseRatio);
  const censored = [...values.keys()].filter((row) => qualifiers[row] !== '=');
  const observations = n - censored.length;
  for (let k = 0; k < SWEEPS && censored.length > 0; k++) {
    sweepSparse(basis.rows, posterior, { values, qualifiers }, sites, censored, noiseRatio, signalVariance);
    posterior = solveSparse(basis.rows, sites.targets, sites.weights, noiseRatio);
  }
  // The bound that the variational posterior maximises: what is left unexplained counts against it.
  const unexplained = sites.weights.reduce((sum, w, i) => sum + w * basis.rows.rest[i]!, 0) / noiseRatio;
  const logLikelihood =
    -0.5 *
    (unexplained +
      posterior.quadratic / signalVariance +
      observations * Math.log(2 * Math.PI * signalVariance) +
      posterior.logDet);
  return { posterior, logLikelihood };
}

/** One parallel sweep of expectation propagation over the censored rows, as censoring.ts has it for the exact process. */
function sweepSparse(
  { inducing: m, phi }: SparseRows,
  { latent, factor }: SparsePosterior,
  problem: Pick<CensoredProblem, 'values' | 'qualifiers'>,
  sites: Sites,
  censored: readonly number[],
  noiseRatio: number,
  signalVariance: number,
): void {
  const block = new Float64Array(BLOCK * m);
  for (let from = 0; from < censored.length; from += BLOCK) {
    const group = censored.slice(from, from + BLOCK);
    group.forEach((row, q) => block.set(phi.subarray(row * m, (row + 1) * m), q * m));
    solveLowerInPlace(factor, m, block, group.length);
    group.forEach((row, q) => {
      const open = noiseRatio * dot(block, q * m, block, q * m, m);
      const variance = signalVariance * Math.max(1e-12, open);
      const mean = latent[row]!;
      moveSite(problem, sites, row, { mean, variance }, signalVariance * noiseRatio, signalVariance);
    });
  }
}
