import type { FeatureMatrix } from '../../contracts';
import { selectFeatureRows } from '../../foundation';
import type { BestRequest, BestRows, Prediction } from '../learning';
import { emptyPrediction } from '../prediction';
import type { RowBounds } from './bounds';

/** Rows evaluated between two looks at how good a row must be; fewer would leave threads idle. */
const STEP = 2048;
/** Rounding of a score, relative. */
const SCORE_ERROR = 1e-12;

/**
 * The best rows, exactly. Rows are evaluated in the order of what they can score at most, until no row that is left can score as much as
 * the count-th best one found: so as few are evaluated as the bounds allow, and the order of equal bounds changes no number.
 * @param bounds without them every row is evaluated.
 */
export async function bestOf(
  features: FeatureMatrix,
  request: BestRequest,
  predict: (features: FeatureMatrix) => Promise<Prediction>,
  bounds?: RowBounds & { readonly aleatoric: number },
): Promise<BestRows> {
  const { count, floor = -Infinity } = request;
  const found = new Found(count, floor);
  if (!bounds) {
    found.add(
      Uint32Array.from({ length: features.rows }, (_, i) => i),
      await predict(features),
      request,
    );
    return found.rows(features.rows);
  }
  const most = ceilings(request, bounds);
  let left = Uint32Array.from({ length: features.rows }, (_, i) => i);
  let evaluated = 0;
  for (let size = Math.max(count, STEP); ; size = STEP) {
    const { least } = found;
    left = left.filter((row) => !(most[row]! < least));
    if (left.length === 0) return found.rows(evaluated);
    // The limit that `size` of those left reach; all that reach it are evaluated.
    const sorted = Float64Array.from(left, (row) => most[row]!).sort();
    const limit = sorted[Math.max(0, sorted.length - size)]!;
    const chosen = left.filter((row) => most[row]! >= limit);
    left = left.filter((row) => most[row]! < limit);
    found.add(chosen, await predict(selectFeatureRows(features, chosen)), request);
    evaluated += chosen.length;
  }
}

/**
 * What each row can score at most. A score that only rises or only falls with each argument is greatest at an end of the mean's range
 * and an end of the deviation's.
 */
function ceilings({ score }: BestRequest, bounds: RowBounds & { aleatoric: number }): Float64Array {
  const { mean, reach, most, aleatoric } = bounds;
  const out = new Float64Array(mean.length);
  for (let row = 0; row < out.length; row++) {
    if (most[row] === Infinity) {
      out[row] = Infinity;
      continue;
    }
    let top = -Infinity;
    for (const at of [mean[row]! - reach[row]!, mean[row]! + reach[row]!]) {
      for (const deviation of [0, most[row]!]) {
        const value = score(at, deviation, aleatoric);
        // A score that is not a number says nothing: the row is evaluated.
        if (!(value <= top)) top = value >= top ? value : Infinity;
      }
    }
    out[row] = Number.isFinite(top) ? top + SCORE_ERROR * Math.abs(top) : top;
  }
  return out;
}

/** The best rows of those evaluated so far, ties with the last of them too. */
class Found {
  /** What a row must score at least to be of interest. */
  least: number;
  private kept: { row: number; score: number; mean: number; epistemic: number; aleatoric: number }[] = [];

  constructor(
    private readonly count: number,
    floor: number,
  ) {
    this.least = count > 0 ? floor : Infinity;
  }

  add(rows: Uint32Array, { mean, epistemic, aleatoric }: Prediction, { score }: BestRequest): void {
    rows.forEach((row, i) => {
      const own = { mean: mean[i]!, epistemic: epistemic[i]!, aleatoric: aleatoric[i]! };
      const value = score(own.mean, own.epistemic, own.aleatoric);
      if (value >= this.least) this.kept.push({ row, score: value, ...own });
    });
    if (this.kept.length <= this.count) return;
    const sorted = Float64Array.from(this.kept, (one) => one.score).sort();
    this.least = Math.max(this.least, sorted[sorted.length - this.count]!);
    const better = this.kept.filter((one) => one.score >= this.least);
    this.kept = better;
  }

  rows(evaluated: number): BestRows {
    const kept = [...this.kept].sort((a, b) => a.row - b.row);
    const prediction = emptyPrediction(kept.length);
    kept.forEach((one, i) => {
      prediction.mean[i] = one.mean;
      prediction.epistemic[i] = one.epistemic;
      prediction.aleatoric[i] = one.aleatoric;
    });
    return {
      rows: Uint32Array.from(kept, (one) => one.row),
      scores: Float64Array.from(kept, (one) => one.score),
      prediction,
      evaluated,
    };
  }
}
