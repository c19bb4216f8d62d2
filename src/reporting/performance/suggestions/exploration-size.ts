import type { TrialResult } from '../../../contracts';
import { duration, percent } from '../../format';
import { expectedLeast, rmseNoise, sum } from '../numbers';
import { exploredRounds, secondsOf, usable, type Explored } from './explored';
import { suggest, type Rule } from './rule';

/** Of the defaults nothing is taken away: they are what the benchmarks were made with. */
const DEFAULT_TRIALS_PER_FAMILY = 3;
const DEFAULT_FOLDS = 3;
/** A part of the trials is tried on paper only where there are clearly more of them. */
const FEWER = 3;
const CLEARLY_MORE = 1.5;

const onRung = ({ record }: Explored, rung: number) =>
  record.results.filter((result) => result.rung === rung && usable(result));

/** Trials that would have done, and what fewer would have cost in error: on average over the draws of so many from the first rung. */
function fewerTrials(explored: Explored) {
  const first = onRung(explored, 0);
  const families = new Set(explored.record.trials.map(({ settings }) => settings.family)).size;
  const enough = Math.max(DEFAULT_TRIALS_PER_FAMILY * families, Math.ceil(first.length / FEWER));
  if (first.length < CLEARLY_MORE * enough) return null;
  const errors = first.map(({ metrics }) => metrics.rmse);
  const worse = expectedLeast(errors, enough) / Math.min(...errors) - 1;
  return { trials: first.length, enough, worse, noise: rmseNoise(first[0]!.metrics.n) };
}

const mean = (values: readonly number[]) => sum(values, (value) => value) / values.length;

/** Whether whoever led one rung earlier, on half of the rows, was as good on the last one within its noise. */
function lastRowsNeedless(explored: Explored): boolean {
  const { rungs } = explored.record;
  const rowsOf = (results: readonly TrialResult[]) => results[0]?.rows ?? 0;
  const last = onRung(explored, rungs.length - 1);
  const before = onRung(explored, rungs.length - 2);
  if (rungs.length < 2 || last.length < 2 || rowsOf(last) < 2 * rowsOf(before) || rowsOf(before) === 0)
    return false;
  const least = (results: readonly TrialResult[]) =>
    results.reduce((a, b) => (b.metrics.rmse < a.metrics.rmse ? b : a));
  const finalists = before.filter(({ trialId }) => last.some((one) => one.trialId === trialId));
  if (finalists.length < 2) return false;
  const led = last.find(({ trialId }) => trialId === least(finalists).trialId)!;
  return led.metrics.rmse <= least(last).metrics.rmse * (1 + rmseNoise(led.metrics.n));
}

/**
 * Trials × folds × rows against what they gained. Every factor is spoken against by itself: trials by what a third of them would have
 * found, rows by who led before, folds where there are more than the default.
 */
export const explorationSize: Rule = (figures) => {
  const rounds = exploredRounds(figures);
  const judged = rounds.map((explored) => ({ explored, fewer: fewerTrials(explored) }));
  if (judged.length === 0) return null;
  const counted = judged.flatMap(({ fewer }) => (fewer ? [fewer] : []));
  const needless =
    counted.length > 0 && mean(counted.map(({ worse }) => worse)) <= mean(counted.map(({ noise }) => noise));
  const { folds, maxRows, trialsPerFamily } = figures.input.record.config.exploration;
  const foldFactor = Math.min(1, DEFAULT_FOLDS / folds);
  const rowsNeedless = maxRows !== 'auto' && rounds.every(lastRowsNeedless);
  // Fewer folds alone trade noise for time: they are spoken of only beside trials or rows that gained nothing.
  if (!needless && !rowsNeedless) return null;
  const saved = sum(judged, ({ explored, fewer }) => {
    const last = explored.record.rungs.length - 1;
    const earlier = explored.record.results.filter(({ rung }) => rung !== last);
    const final = explored.record.results.filter(({ rung }) => rung === last);
    const trialFactor = needless && fewer ? fewer.enough / fewer.trials : 1;
    return (
      secondsOf(explored, earlier) * (1 - foldFactor * trialFactor) +
      secondsOf(explored, final) * (1 - foldFactor * (rowsNeedless ? 0.5 : 1))
    );
  });
  const enough = Math.max(0, ...counted.map((one) => one.enough));
  const spent = sum(rounds, ({ seconds }) => seconds);
  const changes = [
    ...(needless && trialsPerFamily > DEFAULT_TRIALS_PER_FAMILY
      ? [`exploration.trialsPerFamily from ${trialsPerFamily} to ${Math.min(trialsPerFamily, enough)}`]
      : []),
    ...(foldFactor < 1 ? [`exploration.folds from ${folds} to ${DEFAULT_FOLDS}`] : []),
    ...(rowsNeedless ? [`exploration.maxRows from ${maxRows} to auto`] : []),
  ];
  if (changes.length === 0) return null;
  const gained = needless
    ? `; ${enough} of ${Math.max(...counted.map(({ trials }) => trials))} trials, drawn at random, would have found an error ${percent(mean(counted.map(({ worse }) => worse)), 1)} higher on average, and the noise of an error is ${percent(mean(counted.map(({ noise }) => noise)), 1)}`
    : '';
  const led = rowsNeedless ? '; whoever led on half of the rows was as good on all of them' : '';
  return suggest(
    'exploration-size',
    { kind: 'work', amount: saved, of: figures.time.workSeconds },
    {
      suggestion: `Explore less: ${changes.join(', ')}`,
      figure: `exploring took ${duration(spent)}, ${percent(spent / figures.time.workSeconds)} of all work${gained}${led}`,
    },
  );
};
