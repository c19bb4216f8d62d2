import { TitrateError, type Calibration } from '../../contracts';
import { Z90 } from '../../foundation';

/** Share of values a central interval is to hold. */
const COVERAGE = 0.9;
/** With fewer held-out values than this, fewer than three lie in the tail, and the scale is drawn towards 1. */
const FULL_TRUST = 30;
/** A scale below this would claim certainty that no finite sample supports. */
const MIN_SCALE = 0.05;

/**
 * One factor on the predicted standard deviation: the split-conformal quantile of the standardised residuals, the
 * ceil(0.9 (n + 1))-th smallest |observed - mean| / deviation, over the normal's 1.645 (Papadopoulos et al. 2002; Lei et al.
 * 2018, JASA 113, 1094). With at least 30 values the scaled interval holds at least 90 % of them. Below 30 its logarithm is
 * multiplied by n / 30 (and below 9, where that rank does not exist, starts from the largest residual).
 * @param observed length n; `mean`, `deviation`: out of fold, same length; deviation = total standard deviation > 0.
 * @returns scale, and the share of these values inside the 90 % interval before and after. No values: scale 1.
 * @throws internal if lengths differ, numerical if a number is not finite or a deviation not positive.
 */
export function calibrate(observed: Float64Array, mean: Float64Array, deviation: Float64Array): Calibration {
  const n = observed.length;
  if (mean.length !== n || deviation.length !== n) {
    throw new TitrateError('internal', {
      what: `${n} observed values go with ${mean.length} means and ${deviation.length} deviations`,
    });
  }
  if (n === 0) return { scale: 1, n: 0, coverage90Before: 0, coverage90After: 0 };
  const residuals = observed.map((y, i) => Math.abs(y - mean[i]!) / deviation[i]!);
  const bad = residuals.findIndex((z, i) => !Number.isFinite(z) || !(deviation[i]! > 0));
  if (bad >= 0) {
    throw new TitrateError('numerical', {
      what: `row ${bad}: observed ${observed[bad]}, predicted ${mean[bad]} with standard deviation ${deviation[bad]}, expected finite numbers and a positive deviation`,
    });
  }
  const sorted = residuals.slice().sort();
  const rank = Math.min(n, Math.ceil(COVERAGE * (n + 1)));
  const raw = Math.max(MIN_SCALE, sorted[rank - 1]! / Z90);
  const scale = n >= FULL_TRUST ? raw : Math.exp((n / FULL_TRUST) * Math.log(raw));
  const covered = (factor: number) => residuals.filter((z) => z <= Z90 * factor * (1 + 1e-12)).length / n;
  return { scale, n, coverage90Before: covered(1), coverage90After: covered(scale) };
}
