import { calibrateProbability } from '../calibration';
import type { OutOfBag } from './out-of-bag';

/**
 * How the trees' disagreement and their errors become standard deviations.
 *
 * Regression. The error near a molecule is the mean squared out-of-bag error of the training rows that share its leaves unseen (Lu and
 * Hardin 2021, J. Mach. Learn. Res. 22(8)). The trees' variance (Hutter, Hoos and Leyton-Brown 2011, LION 5) tells where the forest is
 * unsure, but trees grown to single molecules carry the noise of these, so it is no variance of the forest's mean. Both are scaled:
 * aleatoric^2 = `error` times the error near by, epistemic^2 = `disagreement` times the trees' variance, with the shares under which
 * the out-of-bag errors are most probable.
 */
export interface RegressionSpread {
  readonly error: number;
  readonly disagreement: number;
  /** Variance where no row tells of errors, and the least there is; squared unit. */
  readonly overall: number;
  readonly least: number;
}

/** Shares of the disagreement in the variance that are compared. None is 0: a forest is never sure. */
const SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** Fewer errors than this say nothing about shares. */
const LEAST_ERRORS = 8;
/** Of the variance of the targets: no assay is better than a thousandth of its range. */
const LEAST_VARIANCE = 1e-6;

export function regressionSpread(
  squared: Float64Array,
  near: Float64Array,
  { variance }: Pick<OutOfBag, 'variance'>,
  targets: { readonly mean: number; readonly variance: number },
): RegressionSpread {
  const rows = [...squared.keys()].filter((i) => [squared[i], near[i], variance[i]].every(Number.isFinite));
  const average = (values: Float64Array) => rows.reduce((sum, i) => sum + values[i]! / rows.length, 0);
  const known = squared.filter((value) => !Number.isNaN(value));
  const least = Math.max(LEAST_VARIANCE * targets.variance, (1e-6 * targets.mean) ** 2, Number.EPSILON ** 2);
  const overall = Math.max(
    least,
    known.length ? known.reduce((sum, value) => sum + value / known.length, 0) : targets.variance,
  );
  const [meanNear, meanVariance] = [average(near), average(variance)];
  if (rows.length < LEAST_ERRORS || !(meanNear > 0 && meanVariance > 0))
    return { error: 1, disagreement: 1, overall, least };
  const fits = SHARES.map((share) => {
    const shape = rows.map(
      (i) => (share * variance[i]!) / meanVariance + ((1 - share) * near[i]!) / meanNear,
    );
    const scale = rows.reduce((sum, i, k) => sum + squared[i]! / Math.max(shape[k]!, 1e-3) / rows.length, 0);
    const loss = shape.reduce((sum, value) => sum + Math.log(scale * Math.max(value, 1e-3)), 0);
    return { share, scale, loss };
  });
  const { share, scale } = fits.reduce((best, fit) => (fit.loss < best.loss ? fit : best));
  return {
    error: (scale * (1 - share)) / meanNear,
    disagreement: (scale * share) / meanVariance,
    overall,
    least,
  };
}

/**
 * Classes: how the mean vote becomes a probability. Votes are of the class as frequent as it is, since weights choose splits and leaves
 * count plainly; but trees that disagree vote too near to the middle, or too far. Platt's map of the out-of-bag votes mends it.
 */
export interface ClassSpread {
  /** Weight of the share of positives beside the votes, so that none of all votes is no certainty. */
  readonly prior: number;
  readonly positives: number;
  readonly slope: number;
  readonly intercept: number;
}

/**
 * Share of a tree's departure from the mean vote that is taken for what the forest does not know. A leaf of a grown tree is one
 * molecule, which is one draw of the class: beside a prior as heavy, it moves the probability half the way.
 */
export const VOTE_SHARE = 0.5;
/** Share of the trees that do not see a row: (1 - 1/n)^n. */
const OUTSIDE = Math.exp(-1);

export function classSpread(
  labels: Float64Array,
  { mean }: Pick<OutOfBag, 'mean'>,
  trees: number,
): ClassSpread {
  const known = [...labels.keys()].filter((row) => !Number.isNaN(labels[row]!));
  const positives = known.reduce((sum, row) => sum + labels[row]! / known.length, 0);
  const prior = 1 / (1 + OUTSIDE * trees);
  const rows = known.filter((row) => !Number.isNaN(mean[row]!));
  const { slope, intercept } = calibrateProbability(
    Float64Array.from(rows, (row) => labels[row]!),
    Float64Array.from(rows, (row) => (1 - prior) * mean[row]! + prior * positives),
  );
  return { prior, positives, slope, intercept };
}
