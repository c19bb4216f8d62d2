import { initialSites, sweep, type CensoredProblem } from './censoring';
import { maximiseLikelihood, noiseRange, profileLikelihood } from './marginal-likelihood';

/** Sweeps before the evidence of one pair of hyperparameters is read: damped sites from a near-by pair have settled by then. */
const SWEEPS = 4;
/** Evaluations of the evidence, at most; each costs SWEEPS + 1 factorisations. */
const EVALUATIONS = 48;
/** Rows whose evidence is maximised; more rows would cost seconds and move the optimum little. */
export const EVIDENCE_ROWS = 256;
/** First and last step of the search, in natural logarithms of the hyperparameters. */
const FIRST_STEP = Math.log(4);
const LAST_STEP = Math.log(1.1);

/**
 * Noise ratio and signal variance that maximise the EP evidence of measured and censored rows together, by compass search
 * (Kolda, Lewis and Torczon 2003) in their logarithms. It begins at the better of two fits that need no sites: the measured
 * rows alone, and all rows as if measured. A fixed rule throughout: the same input gives the same numbers.
 * @param problem at most EVIDENCE_ROWS rows are meant; see `evidenceRows`.
 * @throws numerical
 */
export function maximiseEvidence(
  problem: CensoredProblem,
  starts: readonly number[],
): { noiseRatio: number; signalVariance: number } {
  const { kernel, values, qualifiers, replicates } = problem;
  const n = values.length;
  const sites = initialSites(problem);
  const [low, high] = noiseRange(starts);
  const evidence = ([logRatio, logSignal]: Point): number => {
    const parameters = { noiseRatio: Math.exp(logRatio), signalVariance: Math.exp(logSignal) };
    for (let k = 0; k < SWEEPS; k++) sweep(problem, sites, parameters);
    const { logEvidence } = sweep(problem, sites, parameters);
    return Number.isFinite(logEvidence) ? logEvidence : -Infinity;
  };

  const measured = Uint8Array.from(qualifiers, (qualifier) => (qualifier === '=' ? 1 : 0));
  const alone = maximiseLikelihood(
    profileLikelihood(kernel, values, initialSites(problem).weights, measured),
    starts,
  );
  const profile = profileLikelihood(kernel, values, replicates, new Uint8Array(n).fill(1));
  const together = maximiseLikelihood(profile, starts);
  let best: Point = [0, 0];
  let top = -Infinity;
  let evaluations = 0;
  const consider = (point: Point): boolean => {
    evaluations++;
    const value = evidence(point);
    if (!(value > top)) return false;
    [best, top] = [point, value];
    return true;
  };
  for (const start of [alone, together])
    consider([Math.log(start.noiseRatio), Math.log(start.signalVariance)]);
  for (let step = FIRST_STEP; step >= LAST_STEP && evaluations < EVALUATIONS;) {
    const [ratio, signal] = best;
    const neighbours: Point[] = [
      [Math.min(high, ratio + step), signal],
      [Math.max(low, ratio - step), signal],
      [ratio, signal + step],
      [ratio, Math.max(Math.log(1e-8), signal - step)],
    ];
    if (!neighbours.some((point) => (point[0] !== ratio || point[1] !== signal) && consider(point)))
      step /= 2;
  }
  return { noiseRatio: Math.exp(best[0]), signalVariance: Math.exp(best[1]) };
}

/** Logarithms of noise ratio and signal variance. */
type Point = readonly [number, number];

/** Rows to maximise the evidence on: all, or EVIDENCE_ROWS evenly spaced in the order of measured and censored values. */
export function evidenceRows({
  values,
  qualifiers,
}: Pick<CensoredProblem, 'values' | 'qualifiers'>): number[] {
  const n = values.length;
  const rows = [...values.keys()];
  if (n <= EVIDENCE_ROWS) return rows;
  const censored = (row: number) => (qualifiers[row] === '=' ? 0 : 1);
  rows.sort((a, b) => censored(a) - censored(b) || values[a]! - values[b]! || a - b);
  return Array.from(
    { length: EVIDENCE_ROWS },
    (_, i) => rows[Math.floor(((i + 0.5) * n) / EVIDENCE_ROWS)]!,
  ).sort((a, b) => a - b);
}

/** The problem restricted to some rows. */
export function restrict(
  { kernel, values, qualifiers, replicates }: CensoredProblem,
  rows: readonly number[],
): CensoredProblem {
  const n = values.length;
  const m = rows.length;
  if (m === n) return { kernel, values, qualifiers, replicates };
  const part = new Float64Array(m * m);
  rows.forEach((a, i) => rows.forEach((b, j) => (part[i * m + j] = kernel[a * n + b]!)));
  return {
    kernel: part,
    values: Float64Array.from(rows, (row) => values[row]!),
    qualifiers: rows.map((row) => qualifiers[row]!),
    replicates: Float64Array.from(rows, (row) => replicates[row]!),
  };
}
