import { TitrateError, type Interval, type RegressionMetrics } from '../../contracts';
import { Z90 } from '../../foundation';
import { bootstrapIntervals } from './bootstrap';

/** Least standard deviation used in a density, in units of the largest magnitude around: keeps a certain model finite. */
const MIN_DEVIATION = 1e-12;

/**
 * Held-out figures.
 * @param observed length n >= 1, in the campaign's unit.
 * @param mean predicted mean, length n.
 * @param deviation predicted total standard deviation, length n.
 * R2 and Spearman's correlation are undefined when all observed values are equal; they are then 0, because NaN has no
 * spelling in JSON (R2 is 1 if the prediction is exact as well).
 * @throws numerical if a number is not finite, internal if lengths differ, labels-insufficient if n is 0.
 */
export function regressionMetrics(
  observed: Float64Array,
  mean: Float64Array,
  deviation: Float64Array,
): RegressionMetrics {
  const n = observed.length;
  if (mean.length !== n || deviation.length !== n) {
    throw new TitrateError('internal', {
      what: `${n} observed values go with ${mean.length} means and ${deviation.length} deviations`,
    });
  }
  if (n === 0)
    throw new TitrateError('labels-insufficient', { what: 'there is no held-out value to judge by' });
  const average = observed.reduce((sum, y) => sum + y / n, 0);
  let squares = 0;
  let absolutes = 0;
  let total = 0;
  let nll = 0;
  let inside = 0;
  for (let i = 0; i < n; i++) {
    const y = observed[i]!;
    if (
      !Number.isFinite(y) ||
      !Number.isFinite(mean[i]) ||
      !(deviation[i]! >= 0) ||
      !Number.isFinite(deviation[i])
    ) {
      throw new TitrateError('numerical', {
        what: `row ${i}: observed ${y}, predicted ${mean[i]} with standard deviation ${deviation[i]}, expected finite numbers`,
      });
    }
    const error = y - mean[i]!;
    const sd = Math.max(deviation[i]!, MIN_DEVIATION * Math.max(1, Math.abs(y)));
    squares += error * error;
    absolutes += Math.abs(error);
    total += (y - average) ** 2;
    nll += 0.5 * Math.log(2 * Math.PI) + Math.log(sd) + 0.5 * (error / sd) ** 2;
    if (Math.abs(error) <= Z90 * sd) inside++;
  }
  return {
    n,
    rmse: Math.sqrt(squares / n),
    mae: absolutes / n,
    r2: total > 0 ? 1 - squares / total : squares === 0 ? 1 : 0,
    spearman: spearman(observed, mean),
    nll: nll / n,
    coverage90: inside / n,
  };
}

/** The 97.5th percentile of the standard normal distribution: a 95 % interval is an estimate +/- this many standard errors. */
const Z95 = 1.959963984540054;

/**
 * Held-out figures with 95 % intervals: RMSE, MAE, R2 and NLL by a seeded bootstrap over the molecules; Spearman's correlation by
 * Fisher's transform with the standard error of Bonett and Wright (2000, Psychometrika 65, 23), from four values on; coverage by
 * Wilson's score interval (1927).
 * The intervals say what another held-out set of this size would have shown of the same models; not what other training sets would.
 * @throws as `regressionMetrics`
 */
export function regressionMetricsWithIntervals(
  observed: Float64Array,
  mean: Float64Array,
  deviation: Float64Array,
  seed: number,
): RegressionMetrics {
  const metrics = regressionMetrics(observed, mean, deviation);
  const n = observed.length;
  const squares = observed.map((y, i) => (y - mean[i]!) ** 2);
  const densities = observed.map((y, i) => {
    const sd = Math.max(deviation[i]!, MIN_DEVIATION * Math.max(1, Math.abs(y)));
    return 0.5 * Math.log(2 * Math.PI) + Math.log(sd) + (0.5 * squares[i]!) / sd ** 2;
  });
  const statistics = (times: Uint16Array) => {
    let [square, absolute, density, sum] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const t = times[i]!;
      if (t === 0) continue;
      square += t * squares[i]!;
      absolute += t * Math.sqrt(squares[i]!);
      density += t * densities[i]!;
      sum += t * observed[i]!;
    }
    let total = 0;
    for (let i = 0; i < n; i++) total += times[i]! * (observed[i]! - sum / n) ** 2;
    return [Math.sqrt(square / n), absolute / n, density / n, total > 0 ? 1 - square / total : NaN];
  };
  const [rmse, mae, nll, r2] = bootstrapIntervals([[...observed.keys()]], statistics, seed);
  const rank = fisherInterval(metrics.spearman, n);
  return {
    ...metrics,
    intervals: {
      rmse: rmse!,
      mae: mae!,
      nll: nll!,
      ...(r2 && { r2 }),
      ...(rank && { spearman: rank }),
      coverage90: wilsonInterval(metrics.coverage90, n),
    },
  };
}

function fisherInterval(rho: number, n: number): Interval | null {
  if (n < 4 || Math.abs(rho) >= 1) return null;
  const half = Z95 * Math.sqrt((1 + rho ** 2 / 2) / (n - 3));
  return [Math.tanh(Math.atanh(rho) - half), Math.tanh(Math.atanh(rho) + half)];
}

/** Wilson's score interval of a share, 95 %. @param n trials, at least 1. */
export function wilsonInterval(share: number, n: number): Interval {
  const weight = Z95 ** 2 / n;
  const centre = (share + weight / 2) / (1 + weight);
  const half = (Z95 / (1 + weight)) * Math.sqrt((share * (1 - share)) / n + weight / (4 * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** Spearman's rank correlation with mid-ranks for ties; 0 if either side is constant. */
export function spearman(a: Float64Array, b: Float64Array): number {
  return pearson(midRanks(a), midRanks(b));
}

/** Ranks from 1; equal values share the mean of theirs. */
export function midRanks(values: Float64Array): Float64Array {
  const order = Array.from(values.keys()).sort((i, j) => values[i]! - values[j]!);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let k = from; k < to; k++) ranks[order[k]!] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}

function pearson(a: Float64Array, b: Float64Array): number {
  const n = a.length;
  const meanA = a.reduce((sum, x) => sum + x, 0) / n;
  const meanB = b.reduce((sum, x) => sum + x, 0) / n;
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < n; i++) {
    const x = a[i]! - meanA;
    const y = b[i]! - meanB;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}
