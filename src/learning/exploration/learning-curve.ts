import type { ModelMetrics, TrialResult } from '../../contracts';

/**
 * How many labels exploration has to look at: the smallest set on which the choice is settled, found by doubling. Error falls with
 * labels by a power law (Hestness et al. 2017, arXiv 1712.00409), so two sizes tell of a trial what all labels would make of it.
 */

/** Differences in score below this share change no choice worth the labels. */
export const TIE = 0.02;
/** Exponents beyond these are noise of two points and are held to them: error that grows, or falls faster than 1 / rows. */
const EXPONENTS = [0, 1] as const;

export interface CurveVerdict {
  readonly settled: boolean;
  /** In a sentence, with numbers, for the record. */
  readonly why: string;
}

/** What trials are compared by, lower is better: RMSE, or log loss. */
export const scoreOf = (metrics: ModelMetrics): number =>
  metrics.task === 'classification' ? metrics.logLoss : metrics.rmse;

/**
 * Score at `labels` rows, by the power law through two measured points.
 * @param before, after scores at fewer and at more rows.
 */
export function extrapolateScore(
  before: { rows: number; score: number },
  after: { rows: number; score: number },
  labels: number,
): number {
  const raw = Math.log(before.score / after.score) / Math.log(after.rows / before.rows);
  const exponent = Number.isFinite(raw) ? Math.min(EXPONENTS[1], Math.max(EXPONENTS[0], raw)) : 0;
  return after.score * (after.rows / labels) ** exponent;
}

/**
 * Whether more rows would change which trial leads: they would not if the leader led on the smaller set too (or its leader is
 * within 2 % now), and no other trial's curve undercuts the leader's by more than 2 % at all labels.
 * @param results of two sizes at least; the two largest count, with the trials that were run on both.
 * @param labels there are in all.
 */
export function judgeCurves(results: readonly TrialResult<ModelMetrics>[], labels: number): CurveVerdict {
  const sizes = [...new Set(results.map(({ rows }) => rows))].sort((a, b) => b - a);
  const [large, small] = sizes;
  if (large !== undefined && large >= labels) return { settled: true, why: `all ${labels} labels were seen` };
  const at = (rows: number | undefined) =>
    new Map(
      results
        .filter((result) => result.rows === rows)
        .map(({ trialId, metrics }) => [trialId, scoreOf(metrics)]),
    );
  const [now, then] = [at(large), at(small)];
  const both = [...now.keys()].filter((trialId) => then.has(trialId));
  if (small === undefined || both.length === 0)
    return { settled: false, why: 'one size alone tells nothing of the next' };
  if (both.length === 1) return { settled: true, why: `${both[0]} is the only trial left` };
  const least = (scores: Map<string, number>) =>
    both.reduce((best, trialId) => (scores.get(trialId)! < scores.get(best)! ? trialId : best));
  const [leader, former] = [least(now), least(then)];
  if (now.get(former)! > (1 + TIE) * now.get(leader)!)
    return { settled: false, why: `${former} led on ${small} labels and ${leader} leads on ${large}` };
  const ahead = (trialId: string) =>
    extrapolateScore(
      { rows: small, score: then.get(trialId)! },
      { rows: large!, score: now.get(trialId)! },
      labels,
    );
  const rival = both.find((trialId) => ahead(trialId) * (1 + TIE) < ahead(leader));
  return rival === undefined
    ? {
        settled: true,
        why: `${leader} leads on ${small} and on ${large} labels, and no curve undercuts it at ${labels}`,
      }
    : {
        settled: false,
        why: `by its curve ${rival} would overtake ${leader} before all ${labels} labels`,
      };
}

/** Factor from one size of the downscaled set to the next. */
const GROWTH = 2;
/** Exploration never looks at more than this share of all labels, so that it costs a small part of training on them. */
const MOST_OF_ALL = 0.25;

export interface Downscale {
  /** Labels to look at next; null when the set is large enough. */
  readonly next: number | null;
  /** In a sentence, for the record. */
  readonly why: string;
}

/**
 * Whether to look at twice the labels next. Two sizes are always looked at, where there are labels for a second one: one says
 * nothing of a curve. Beyond that a rung sees at most a quarter of all labels.
 * @param results so far, of all sizes. @param rows of the last rung. @param labels there are in all.
 */
export function growDownscale(
  results: readonly TrialResult<ModelMetrics>[],
  rows: number,
  labels: number,
): Downscale {
  const { settled, why } = judgeCurves(results, labels);
  if (settled) return { next: null, why };
  const next = Math.min(GROWTH * rows, labels);
  const sizes = new Set(results.map((result) => result.rows)).size;
  return sizes > 1 && next > MOST_OF_ALL * labels
    ? { next: null, why: `${why}; more than a quarter of all labels is not looked at` }
    : { next, why };
}
