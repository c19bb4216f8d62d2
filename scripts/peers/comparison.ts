/** What the answers of all methods on all splits say: a figure a method, and ours against each peer on the splits both have. */
import type { Answers, PreparedDataSet } from './workspace';
import {
  averagePrecisionScore,
  bootstrapMeans,
  intervalOf,
  ones,
  rmseScore,
  shareInterval,
  verdictOf,
  type Interval,
  type Strata,
  type Verdict,
  type WeightedScore,
} from './statistics';

export interface MethodFigures {
  readonly method: string;
  /** RMSE in the table's unit, or area under the precision-recall curve; mean over `splits`, 95 % interval. */
  readonly score: Interval;
  readonly splits: readonly number[];
  /** Mean over splits: features, fit and prediction. */
  readonly cpuSeconds: number;
}

export interface Duel {
  readonly peer: string;
  /** Ours minus the peer's. */
  readonly difference: Interval;
  readonly verdict: Verdict;
  readonly splits: readonly number[];
}

export interface Coverage {
  readonly predictions: number;
  readonly inside: number;
  readonly share: Interval;
}

export interface DataSetComparison {
  readonly name: string;
  readonly title: string;
  readonly metric: 'rmse' | 'auprc';
  readonly note: string;
  readonly trainRows: number;
  readonly testRows: number;
  readonly methods: readonly MethodFigures[];
  /** Ours against each peer, the hardest first: that is the one the verdict goes by. */
  readonly duels: readonly Duel[];
  /** Of our 90 % intervals; null for classification and where ours did not run. */
  readonly coverage: Coverage | null;
}

export interface ComparisonInput {
  readonly prepared: Pick<PreparedDataSet, 'dataSet' | 'table' | 'splits'>;
  /** By method, then by split number; what is missing was not run. */
  readonly answers: ReadonlyMap<string, ReadonlyMap<number, Answers>>;
  readonly ours: string;
  readonly resamples: number;
  readonly seed: number;
}

export function compare({ prepared, answers, ours, resamples, seed }: ComparisonInput): DataSetComparison {
  const { dataSet, table, splits } = prepared;
  const lowerIsBetter = table.task === 'regression';
  const scoreOf = lowerIsBetter ? rmseScore : averagePrecisionScore;
  const observed = splits.map((split) => split.test.map((row) => table.targets[row]!));
  const score = (method: string, split: number) =>
    scoreOf(observed[split]!, answers.get(method)!.get(split)!.predictions);
  const drawn = (methods: readonly string[], on: readonly number[]) => {
    const scores = methods.map((method) => on.map((split) => score(method, split)));
    const strata = on.map((split) => strataOf(observed[split]!, lowerIsBetter));
    const means = scores.map((own) => meanScore(own, strata));
    return { means, draws: bootstrapMeans({ strata, scores, resamples, seed }) };
  };
  const methods = [...answers].map(([method, own]): MethodFigures => {
    const on = [...own.keys()].sort((a, b) => a - b);
    const { means, draws } = drawn([method], on);
    const cpuSeconds = [...own.values()].reduce((sum, one) => sum + one.cpuSeconds, 0) / own.size;
    return { method, score: intervalOf(means[0]!, draws[0]!), splits: on, cpuSeconds };
  });
  const duels = [...answers.keys()].flatMap((peer): Duel[] => {
    const on = [...(answers.get(ours)?.keys() ?? [])].filter((split) => answers.get(peer)!.has(split));
    if (peer === ours || on.length === 0) return [];
    const { means, draws } = drawn([ours, peer], on);
    const differences = draws[0]!.map((value, i) => value - draws[1]![i]!);
    const difference = intervalOf(means[0]! - means[1]!, differences);
    return [{ peer, difference, verdict: verdictOf(difference, lowerIsBetter), splits: on }];
  });
  const hardest = (duel: Duel) => (lowerIsBetter ? duel.difference.mean : -duel.difference.mean);
  return {
    name: dataSet.name,
    title: dataSet.title,
    metric: lowerIsBetter ? 'rmse' : 'auprc',
    note: table.note,
    trainRows: splits[0]!.train.length,
    testRows: splits[0]!.test.length,
    methods,
    duels: duels.sort((a, b) => hardest(b) - hardest(a)),
    coverage: lowerIsBetter ? coverageOf(observed, answers.get(ours)) : null,
  };
}

function strataOf(observed: readonly number[], together: boolean): Strata {
  const rows = [...observed.keys()];
  return together ? [rows] : [0, 1].map((label) => rows.filter((row) => observed[row] === label));
}

function meanScore(scores: readonly WeightedScore[], strata: readonly Strata[]): number {
  const one = (score: WeightedScore, i: number) => score(ones(strata[i]!.flat().length));
  return scores.map(one).reduce((sum, value) => sum + value, 0) / scores.length;
}

function coverageOf(
  observed: readonly (readonly number[])[],
  answers: ReadonlyMap<number, Answers> | undefined,
): Coverage | null {
  let predictions = 0;
  let inside = 0;
  for (const [split, { intervals }] of answers ?? []) {
    for (const [i, [lower, upper]] of (intervals ?? []).entries()) {
      const value = observed[split]![i]!;
      predictions++;
      if (value >= lower && value <= upper) inside++;
    }
  }
  return predictions === 0 ? null : { predictions, inside, share: shareInterval(inside, predictions) };
}

/** Of all data sets together. */
export function pooledCoverage(comparisons: readonly DataSetComparison[]): Coverage | null {
  const own = comparisons.flatMap((comparison) => comparison.coverage ?? []);
  const predictions = own.reduce((sum, coverage) => sum + coverage.predictions, 0);
  const inside = own.reduce((sum, coverage) => sum + coverage.inside, 0);
  return predictions === 0 ? null : { predictions, inside, share: shareInterval(inside, predictions) };
}
