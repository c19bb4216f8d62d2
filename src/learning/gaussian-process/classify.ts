import type { GaussianProcessSettings } from '../../contracts';
import type { LabelledSet } from '../learning';
import { buildFeatureSpace, encodeRows, selectEncodedRows } from './feature-space';
import { EXACT_ROWS, inducingCount, thinned } from './inducing';
import { mixFacts, mixOf } from './kernel-mix';
import {
  baseRateOffset,
  exactSolver,
  laplacePosterior,
  sparseSolver,
  type LaplacePosterior,
} from './laplace';
import { probabilityMoments } from './link';
import { refine } from './marginal-likelihood';
import type { GaussianProcessDefinition, Learnt } from './model';
import { inducingPosterior, sparseBasis } from './sparse-fit';
import { solveSparse } from './sparse';
import { evenlySpread } from './spread';
import { buildReference, kernelMatrix } from './tanimoto';

/** Rows that decide the signal variance, at most half of them of the rarer class. */
const DECIDING_ROWS = 400;
/** Signal variances tried, in squared log odds: from hardly anything to as good as certain. */
const SIGNAL_VARIANCES = [0.25, 1, 4, 16, 64, 256];
/** Of the refinement between them, in their logarithm: the predicted probabilities change by less than 0.01. */
const PRECISION = 0.05;

/**
 * Binary classification by Laplace's method (laplace.ts): signal variance by leaving rows out of a part in which the rarer
 * class is whole or half, then the mode of all rows, exact or sparse. Of `settings`, the noise ratios guide the mix of counts
 * and descriptors only: labels carry no measurement noise of their own.
 * @throws numerical
 */
export function learnClasses(settings: GaussianProcessSettings, labelled: LabelledSet): Learnt {
  const { features, targets: labels } = labelled;
  const n = features.rows;
  const exact = n <= (settings.exactRows ?? EXACT_ROWS);
  const space = exact ? buildFeatureSpace(features) : thinned(buildFeatureSpace(features));
  const encoded = encodeRows(space, features);
  const rows = decidingRows(labels);
  const part = selectEncodedRows(encoded, rows);
  const partLabels = Float64Array.from(rows, (row) => labels[row]!);
  const ones = new Float64Array(rows.length).fill(1);
  const centred = partLabels.map((y) => 2 * y - 1);
  const mix = mixOf(part, centred, ones, new Uint8Array(rows.length).fill(1), settings.noiseRatios);
  const signalVariance = signalVarianceOf(
    exactSolver(kernelMatrix(buildReference(part, mix)), rows.length),
    partLabels,
  );

  const facts = (posterior: LaplacePosterior): GaussianProcessDefinition['facts'] => ({
    rows: n,
    positives: labels.reduce((sum, y) => sum + y, 0),
    signalDeviation: Math.sqrt(signalVariance),
    mean: posterior.mean,
    logMarginalLikelihood: posterior.logEvidence,
    ...mixFacts(mix),
  });
  const common = {
    mix,
    link: 'logit' as const,
    noiseRatio: 1 / signalVariance,
    signalVariance,
    scale: 1,
  };
  if (exact) {
    const reference = buildReference(encoded, mix);
    const kernel = kernelMatrix(reference);
    const posterior = laplacePosterior(exactSolver(kernel, n), labels, signalVariance);
    const { targets, weights, mean } = posterior;
    const shift = baseRateOffset(posterior.leaveOneOut(), labels);
    return {
      definition: { ...common, features, targets, weights, mean, shift, facts: facts(posterior) },
      training: { space, reference, kernel },
    };
  }
  const count = inducingCount(n, settings.inducing);
  const rarer = evenlySpread(rowsOf(labels, rarerClass(labels)), (row) => row, Math.floor(count / 2));
  const basis = sparseBasis(features, space, encoded, mix, count, rarer);
  const posterior = laplacePosterior(sparseSolver(basis.rows), labels, signalVariance);
  const { targets, weights, mean } = posterior;
  const shift = baseRateOffset(posterior.leaveOneOut(), labels);
  const solved = solveSparse(basis.rows, targets, weights, common.noiseRatio, mean);
  return {
    definition: {
      ...common,
      features: basis.features,
      inducing: inducingPosterior(basis, solved),
      targets: new Float64Array(0),
      weights: new Float64Array(0),
      mean,
      shift,
      facts: { ...facts(posterior), inducingMolecules: basis.features.rows },
    },
  };
}

const rowsOf = (labels: Float64Array, label: number) =>
  [...labels.keys()].filter((row) => labels[row] === label);
const rarerClass = (labels: Float64Array) =>
  2 * labels.reduce((sum, y) => sum + y, 0) <= labels.length ? 1 : 0;

function decidingRows(labels: Float64Array): number[] {
  const rarer = rarerClass(labels);
  const few = evenlySpread(rowsOf(labels, rarer), (row) => row, DECIDING_ROWS / 2);
  const many = evenlySpread(rowsOf(labels, 1 - rarer), (row) => row, DECIDING_ROWS - few.length);
  return [...few, ...many].sort((a, b) => a - b);
}

/**
 * The signal variance under which rows predicted without themselves are most probable (Rasmussen and Williams 2006, section 5.4.2): the
 * best of a grid, refined between its neighbours. Unlike the evidence, which Laplace's method overrates where it is wide, this asks
 * for what predictions are judged by.
 */
function signalVarianceOf(solver: ReturnType<typeof exactSolver>, labels: Float64Array): number {
  const score = (logVariance: number) => {
    const out = laplacePosterior(solver, labels, Math.exp(logVariance)).leaveOneOut();
    const offset = baseRateOffset(out, labels);
    return labels.reduce((sum, y, i) => {
      const p = probabilityMoments(out.mean[i]! + offset, out.deviation[i]!).first;
      return sum + Math.log(Math.max(Number.MIN_VALUE, y === 1 ? p : 1 - p));
    }, 0);
  };
  const points = SIGNAL_VARIANCES.map(Math.log);
  const values = points.map(score);
  const best = values.reduce((top, value, i) => (value > values[top]! ? i : top), 0);
  const found = refine(
    score,
    points[Math.max(0, best - 1)]!,
    points[Math.min(points.length - 1, best + 1)]!,
    PRECISION,
  );
  return Math.exp(score(found) > values[best]! ? found : points[best]!);
}
