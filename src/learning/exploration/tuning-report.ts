import { featurizerName, type ExplorationRecord, type ModelMetrics, type TrialSpec } from '../../contracts';
import { scoreOf } from './learning-curve';

/** One thing that trials differ by, and how much of the spread of their scores goes with it. */
export interface TuningFactor {
  /** `family`, `featurizer`, or a setting of one family such as `mlp-ensemble learningRate`. */
  readonly factor: string;
  /** Trials that were compared. */
  readonly trials: number;
  /**
   * Share of the variance of the score that goes with the levels, 0..1, corrected for their number (epsilon squared, Kelley 1935):
   * what levels drawn by chance would explain counts as none.
   */
  readonly explained: number;
  /** Best mean score first. */
  readonly levels: readonly {
    readonly level: string;
    readonly trials: number;
    readonly meanScore: number;
    readonly bestScore: number;
  }[];
}

/** Numbers with more values than this are told apart as those below and above their median. */
const MAX_LEVELS = 4;

/**
 * What mattered, by the first rung, which all trials ran on the same rows, folds and effort: marginal effects of family,
 * featurizer, and each setting within its family; the largest first. Scores are RMSE, or log loss: lower is better.
 * With a handful of trials this tells what to look at, not what is significant.
 */
export function tuningReport({
  trials,
  results,
  rungs,
}: Pick<ExplorationRecord<ModelMetrics>, 'trials' | 'results' | 'rungs'>): TuningFactor[] {
  const first = rungs[0]?.rung;
  const scored = trials.flatMap((trial) => {
    const result = results.find(({ trialId, rung }) => trialId === trial.trialId && rung === first);
    return result ? [{ trial, score: scoreOf(result.metrics) }] : [];
  });
  const factors = [
    factorOf('family', scored, ({ settings }) => settings.family),
    factorOf('featurizer', scored, ({ featurizer }) => featurizerName(featurizer)),
  ];
  for (const family of new Set(scored.map(({ trial }) => trial.settings.family))) {
    const own = scored.filter(({ trial }) => trial.settings.family === family);
    const names = new Set(own.flatMap(({ trial }) => Object.keys(trial.settings)));
    names.delete('family');
    for (const name of names) factors.push(settingFactor(family, name, own));
  }
  return factors
    .filter(({ levels }) => levels.length > 1)
    .sort((a, b) => b.explained - a.explained || (a.factor < b.factor ? -1 : 1));
}

interface Scored {
  readonly trial: TrialSpec;
  readonly score: number;
}

function settingFactor(family: string, name: string, own: readonly Scored[]): TuningFactor {
  const valueOf = (trial: TrialSpec) => (trial.settings as unknown as Record<string, unknown>)[name];
  const numbers = own.map(({ trial }) => valueOf(trial)).filter((value) => typeof value === 'number');
  const factor = `${family} ${name}`;
  if (numbers.length < own.length || new Set(numbers).size <= MAX_LEVELS)
    return factorOf(factor, own, (trial) => JSON.stringify(valueOf(trial)));
  const median = numbers.sort((a, b) => a - b)[numbers.length >> 1]!;
  return factorOf(factor, own, (trial) =>
    (valueOf(trial) as number) < median ? `below ${median}` : `${median} and above`,
  );
}

function factorOf(
  factor: string,
  scored: readonly Scored[],
  levelOf: (trial: TrialSpec) => string,
): TuningFactor {
  const groups = new Map<string, number[]>();
  for (const { trial, score } of scored) {
    const level = levelOf(trial);
    groups.set(level, [...(groups.get(level) ?? []), score]);
  }
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x / values.length, 0);
  const all = scored.map(({ score }) => score);
  const centre = mean(all);
  const squares = (values: readonly number[], from: number) =>
    values.reduce((sum, x) => sum + (x - from) ** 2, 0);
  const total = squares(all, centre);
  const within = [...groups.values()].reduce((sum, values) => sum + squares(values, mean(values)), 0);
  const free = all.length - groups.size;
  // epsilon^2 = (between - (levels - 1) within / free) / total; without freedom nothing is known.
  const chance = free > 0 ? ((groups.size - 1) * within) / free : total;
  const explained = total > 0 ? Math.max(0, (total - within - chance) / total) : 0;
  const levels = [...groups].map(([level, values]) => ({
    level,
    trials: values.length,
    meanScore: mean(values),
    bestScore: Math.min(...values),
  }));
  return {
    factor,
    trials: all.length,
    explained,
    levels: levels.sort((a, b) => a.meanScore - b.meanScore),
  };
}
