import { TitrateError, type LearningTask } from '../../contracts';

/** Weights below this are set to 0: such a model costs its full time and changes no prediction that anybody could see. */
const MIN_WEIGHT = 0.02;
/** Steps of the weights of a classification; each lowers the loss (it is expectation maximisation), and 200 leave it flat. */
const STEPS = 200;
/** More models than this are never stacked; all their subsets are looked at. */
const MAX_MODELS = 8;

/** Out-of-fold evidence of several models on the same rows: observed values, and each model's predicted means. */
export interface StackEvidence {
  readonly task: LearningTask;
  readonly observed: Float64Array;
  readonly means: readonly Float64Array[];
}

/**
 * Convex weights of models by their out-of-fold predictions (Breiman 1996, Machine Learning 24, 49), drawn towards the best one.
 * Regression: the least squared error, plus 2 s^2 / n for the whole weight that is not the best model's (s^2 its mean squared
 * error): the optimism of Mallows' model averaging (Hansen 2007, Econometrica 75, 1175), so that a difference within the noise
 * moves nothing. Classification: the least log loss of the mixed probability, likewise with 1 / n of a nat.
 * @returns one weight a model, none negative, summing to 1; a weight below 0.02 becomes 0.
 * @throws usage with no model, or more than eight
 */
export function stackWeights({ task, observed, means }: StackEvidence): number[] {
  if (means.length === 0 || means.length > MAX_MODELS) {
    throw new TitrateError('usage', { what: `${means.length} models to stack, expected 1 to ${MAX_MODELS}` });
  }
  const raw = task === 'classification' ? mixtureWeights(observed, means) : squareWeights(observed, means);
  const kept = raw.map((weight) => (weight < MIN_WEIGHT ? 0 : weight));
  const sum = kept.reduce((total, weight) => total + weight, 0);
  return kept.map((weight) => weight / sum);
}

/**
 * Weights for each fold from the evidence of the others: what a stack is judged by.
 * @param folds fold of each row.
 * @returns by fold; a single fold gets the weights of all.
 */
export function crossFittedWeights(evidence: StackEvidence, folds: Int32Array): Map<number, number[]> {
  const distinct = [...new Set(folds)];
  return new Map(
    distinct.map((fold) => {
      const rows = [...folds.keys()].filter((row) => distinct.length === 1 || folds[row] !== fold);
      const take = (from: Float64Array) => Float64Array.from(rows, (row) => from[row]!);
      const { task, observed, means } = evidence;
      return [fold, stackWeights({ task, observed: take(observed), means: means.map(take) })];
    }),
  );
}

/** Exact: the quadratic programme's solution lies inside one face of the simplex, and there are few faces. */
function squareWeights(observed: Float64Array, means: readonly Float64Array[]): number[] {
  const n = observed.length;
  const models = means.length;
  const errors = means.map((mean) => mean.map((value, i) => value - observed[i]!));
  const product = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + (x * b[i]!) / n, 0);
  const gram = errors.map((a) => errors.map((b) => product(a, b)));
  const best = gram.reduce((at, row, m) => (row[m]! < gram[at]![at]! ? m : at), 0);
  const variance = gram[best]![best]!;
  const penalty = means.map((_, m) => (m === best ? 0 : (2 * variance) / n));
  let chosen: number[] = means.map((_, m) => (m === best ? 1 : 0));
  let least = variance;
  for (let subset = 1; subset < 1 << models; subset++) {
    const face = means.flatMap((_, m) => (subset & (1 << m) ? [m] : []));
    const weights = faceMinimum(gram, penalty, face);
    if (!weights?.every((weight) => weight >= 0)) continue;
    let loss = 0;
    face.forEach((a, i) => {
      loss += weights[i]! * penalty[a]!;
      face.forEach((b, j) => (loss += weights[i]! * weights[j]! * gram[a]![b]!));
    });
    if (loss >= least) continue;
    least = loss;
    chosen = means.map((_, m) => (face.includes(m) ? weights[face.indexOf(m)]! : 0));
  }
  return chosen;
}

/** Minimum of w' G w + c' w with the weights of a face summing to 1, signs free; null where G is singular there. */
function faceMinimum(
  gram: readonly number[][],
  penalty: readonly number[],
  face: readonly number[],
): number[] | null {
  const m = face.length;
  const rows = face.map((a) => [...face.map((b) => gram[a]![b]!), 1, penalty[a]!]);
  const solved = eliminate(rows, m);
  if (!solved) return null;
  const [ones, costs] = [solved.map((row) => row[0]!), solved.map((row) => row[1]!)];
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  // 2 G w + c = multiplier: w = G^-1 (multiplier - c) / 2, with the multiplier that makes the sum 1.
  const multiplier = (2 + total(costs)) / total(ones);
  return ones.map((one, i) => (multiplier * one - costs[i]!) / 2);
}

/** Expectation maximisation of a mixture's weights, with one pseudo-observation a row's worth of favour for the best model. */
function mixtureWeights(observed: Float64Array, means: readonly Float64Array[]): number[] {
  const n = observed.length;
  const likelihoods = means.map((mean) =>
    mean.map((p, i) => Math.max(Number.EPSILON, observed[i] === 1 ? p : 1 - p)),
  );
  const losses = likelihoods.map((values) => values.reduce((sum, p) => sum - Math.log(p), 0));
  const best = losses.indexOf(Math.min(...losses));
  let weights = means.map(() => 1 / means.length);
  for (let step = 0; step < STEPS; step++) {
    const shares: number[] = weights.map((_, m) => (m === best ? 1 : 0));
    for (let i = 0; i < n; i++) {
      const mixed = weights.reduce((sum, weight, m) => sum + weight * likelihoods[m]![i]!, 0);
      weights.forEach((weight, m) => (shares[m]! += (weight * likelihoods[m]![i]!) / mixed));
    }
    weights = shares.map((share) => share / (n + 1));
  }
  return weights;
}

/** A pivot below this share of the largest one means that two models predict the same. */
const SINGULAR = 1e-10;

/** Gauss-Jordan elimination of m rows of [matrix | right-hand sides]; the right-hand sides' solutions, or null if singular. */
function eliminate(rows: number[][], m: number): number[][] | null {
  const scale = Math.max(...rows.map((row, i) => Math.abs(row[i]!)));
  for (let k = 0; k < m; k++) {
    const pivot = rows[k]![k]!;
    if (!(pivot > SINGULAR * scale)) return null;
    rows[k] = rows[k]!.map((value) => value / pivot);
    rows.forEach((row, i) => {
      const factor = row[k]!;
      if (i !== k) rows[i] = row.map((value, j) => value - factor * rows[k]![j]!);
    });
  }
  return rows.map((row) => row.slice(m));
}
