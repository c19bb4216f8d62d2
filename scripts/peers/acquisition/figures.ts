/** What runs say: means by number of molecules measured, and differences paired by seed with what chance leaves of them. */
import type { Interval } from '../statistics';
import type { Figure } from './scenarios';
import type { MethodRun } from './workspace';

/** 97.5th percentile of Student's t for 1, 2, … degrees of freedom; beyond, that of the normal is within 2 %. */
const T975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const Z975 = 1.96;

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean and its 95 % interval by Student's t; of a single value the interval is unbounded. */
export function meanInterval(values: readonly number[]): Interval {
  const centre = mean(values);
  if (values.length < 2) return { mean: centre, lower: -Infinity, upper: Infinity };
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
  const half = (T975[values.length - 2] ?? Z975) * Math.sqrt(variance / values.length);
  return { mean: centre, lower: centre - half, upper: centre + half };
}

/** Larger is better: errors change their sign. NaN where there was no model yet. */
export const merit = (run: MethodRun, figure: Figure, point: number): number =>
  figure === 'rmse' ? -(run.rmse?.[point] ?? NaN) : (run[figure]?.[point] ?? NaN);

/** Points from the first batch on: where runs start they are alike. */
export const pointsOf = (runs: readonly MethodRun[]): number[] =>
  [...(runs[0]?.measured.keys() ?? [])].slice(1);

const overall = (run: MethodRun, figure: Figure): number =>
  mean(pointsOf([run]).map((point) => merit(run, figure, point)));

/** Ours minus theirs in merit, seed by seed where both ran, at each point. Positive: ours is better. */
export function paired(
  ours: readonly MethodRun[],
  theirs: readonly MethodRun[],
  figure: Figure,
): { point: number; difference: Interval }[] {
  const other = new Map(theirs.map((run) => [run.seed, run]));
  const both = ours.filter(({ seed }) => other.has(seed));
  return pointsOf(both).map((point) => ({
    point,
    difference: meanInterval(
      both
        .map((run) => merit(run, figure, point) - merit(other.get(run.seed)!, figure, point))
        .filter(Number.isFinite),
    ),
  }));
}

/** For each seed the run of the strategy that is best on average over the other seeds and all points. */
export function bestOnOtherSeeds(
  fixed: ReadonlyMap<string, readonly MethodRun[]>,
  figure: Figure,
): { runs: MethodRun[]; chosen: string[] } {
  const seeds = [...new Set([...fixed.values()].flatMap((runs) => runs.map(({ seed }) => seed)))];
  const chosen: string[] = [];
  const runs = seeds.flatMap((seed) => {
    const scores = [...fixed].flatMap(([name, own]) => {
      const here = own.find((run) => run.seed === seed);
      const elsewhere = own.filter((run) => run.seed !== seed);
      return here && elsewhere.length
        ? [{ name, here, score: mean(elsewhere.map((run) => overall(run, figure))) }]
        : [];
    });
    scores.sort((a, b) => b.score - a.score);
    if (scores[0]) chosen.push(scores[0].name);
    return scores[0] ? [scores[0].here] : [];
  });
  return { runs, chosen };
}

/** Least number of measured molecules whose error is at most `wanted`; null if never. */
export function labelsToReach(run: MethodRun, wanted: number): number | null {
  const at = run.rmse?.findIndex((error) => error !== null && error <= wanted) ?? -1;
  return at < 0 ? null : run.measured[at]!;
}
