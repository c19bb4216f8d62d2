import { TitrateError, type ModelSettings, type TrialResult, type TrialSpec } from '../contracts';

/** One rung of successive halving. Work is counted in rows and epochs, never in seconds, so it is the same on every machine. */
export interface Rung {
  /** 0, 1, ... */
  readonly rung: number;
  /** Rows of the downscaled set that trials of this rung see. */
  readonly rows: number;
  /** Share of a full-length trial, 0 < effort <= 1: scales an ensemble's epochs and members. 1 on the last rung. */
  readonly effort: number;
  /** Trials that enter, and how many go on (1 on the last rung: the winner). */
  readonly trials: number;
  readonly keep: number;
}

/** One in this many goes on to the next rung (Jamieson and Talwalkar 2016; 3 as in Li et al. 2018, Hyperband). */
const REDUCTION = 3;
/** A rung below the last has half the rows of the next one, but not fewer than this: below it ranks are noise. */
const MIN_ROWS = 48;
/** Below a ninth of the epochs a network has not begun to learn. */
const MIN_EFFORT = 1 / 9;
/** Differences in mean negative log density below this are too small to choose by, nats. */
const NLL_TIE = 0.01;

/** Labels that exploration begins with when it is to find the size of the downscaled set itself. */
const AUTO_FIRST_ROWS = 128;

/** How exploration decides, in one sentence, for the record. */
export const EXPLORATION_RULE =
  'Successive halving on a downscaled set stratified by target, the best third and the best of each family going on; ' +
  'the winner has the lowest out-of-fold RMSE, trials within one standard error of it (RMSE / sqrt(2n)) being decided by ' +
  'the lowest negative log likelihood, and those within 0.01 nats of that by the least work, then by name.';

/**
 * The rungs for a set of trials. The last rung is run at full effort on all of the downscaled set by at least one trial of
 * every family, so that no family is judged on unfinished training alone.
 * @param options.maxRows size of the downscaled set, labels; `auto`: of the set that growing begins with.
 * @param options.labels labels there are, if fewer.
 * @throws TitrateError config-invalid if there are no trials.
 */
export function planRungs(
  trials: readonly TrialSpec[],
  options: { maxRows: number | 'auto'; labels?: number },
): Rung[] {
  if (trials.length === 0) {
    throw new TitrateError('config-invalid', {
      what: 'exploration has no trials',
      where: 'exploration',
      remedy: 'Name at least one family and one featurizer, and trialsPerFamily of at least 1',
    });
  }
  const wanted = options.maxRows === 'auto' ? AUTO_FIRST_ROWS : options.maxRows;
  const rows = Math.min(wanted, options.labels ?? wanted);
  const finalists = Math.max(2, familiesOf(trials).size);
  const counts = [trials.length];
  while (counts.at(-1)! > finalists) counts.push(Math.max(finalists, Math.ceil(counts.at(-1)! / REDUCTION)));
  return counts.map((count, rung) => {
    const below = counts.length - 1 - rung;
    return {
      rung,
      rows: Math.min(rows, Math.max(MIN_ROWS, Math.ceil(rows / 2 ** below))),
      effort: Math.max(MIN_EFFORT, REDUCTION ** -below),
      trials: count,
      keep: counts[rung + 1] ?? 1,
    };
  });
}

function familiesOf(trials: readonly TrialSpec[]): Set<string> {
  return new Set(trials.map((trial) => trial.settings.family));
}

/**
 * Trials that go on, best first: the best of each family, then the best of the rest.
 * @param results of one rung; trials that failed are simply not among them.
 * @param keep how many, at most.
 */
export function promote(
  results: readonly TrialResult[],
  keep: number,
  trials: readonly TrialSpec[],
): TrialSpec[] {
  const ranked = rank(results, trials);
  const champions = [...familiesOf(ranked)].map((family) =>
    ranked.find((trial) => trial.settings.family === family)!,
  );
  const chosen = new Set([...new Set([...champions, ...ranked])].slice(0, keep));
  return ranked.filter((trial) => chosen.has(trial));
}

/**
 * The winner among results of one rung, by EXPLORATION_RULE.
 * @throws TitrateError numerical if there is no usable result.
 */
export function chooseWinner(results: readonly TrialResult[], trials: readonly TrialSpec[]): TrialSpec {
  const usable = results.filter(
    ({ metrics }) => Number.isFinite(metrics.rmse) && Number.isFinite(metrics.nll),
  );
  if (usable.length === 0) {
    throw new TitrateError('numerical', {
      what: `none of the ${trials.length} trials gave a usable result`,
      where: 'exploration',
      remedy:
        'Look at the failures in the exploration record; the usual causes are too few labels or broken features',
    });
  }
  const specs = new Map(trials.map((trial) => [trial.trialId, trial]));
  const specOf = (result: TrialResult) => {
    const spec = specs.get(result.trialId);
    if (!spec)
      throw new TitrateError('internal', {
        what: `a result names trial '${result.trialId}', which was not planned`,
      });
    return spec;
  };
  const best = usable.reduce((a, b) => (b.metrics.rmse < a.metrics.rmse ? b : a));
  const limit = best.metrics.rmse * (1 + 1 / Math.sqrt(2 * Math.max(1, best.metrics.n)));
  const near = usable.filter(({ metrics }) => metrics.rmse <= limit);
  const likeliest = Math.min(...near.map(({ metrics }) => metrics.nll));
  const tied = near.filter(({ metrics }) => metrics.nll <= likeliest + NLL_TIE).map(specOf);
  return tied.sort((a, b) => work(a.settings) - work(b.settings) || (a.trialId < b.trialId ? -1 : 1))[0]!;
}

/** All usable trials, best first: the winner, the winner among the others, and so on. */
function rank(results: readonly TrialResult[], trials: readonly TrialSpec[]): TrialSpec[] {
  let left = results.filter(({ metrics }) => Number.isFinite(metrics.rmse) && Number.isFinite(metrics.nll));
  const ranked: TrialSpec[] = [];
  while (left.length > 0) {
    const winner = chooseWinner(left, trials);
    ranked.push(winner);
    left = left.filter((result) => result.trialId !== winner.trialId);
  }
  return ranked;
}

/** Work of a full fit in arbitrary but fixed units; measured seconds would make the choice depend on the machine. */
function work(settings: ModelSettings): number {
  if (settings.family === 'gaussian-process') return 0;
  if (settings.family === 'stack')
    return settings.models.reduce((sum, model) => sum + (settings.folds + 1) * work(model.settings), 1);
  if (settings.family === 'random-forest') return settings.trees;
  return settings.members * settings.epochs * settings.hidden.reduce((sum, width) => sum + width, 0);
}
