import {
  asTitrateError,
  type BaseModelSettings,
  type ExplorationRecord,
  type FeaturizerSpec,
  type ModelMetrics,
  type TrialResult,
  type TrialSpec,
} from '../../contracts';
import { deriveSeed } from '../../foundation';
import { outOfFold } from '../cross-validate';
import { downscaleLabels, growDownscale, scoreOf, settingsAtEffort } from '../exploration';
import { selectLabelledRows } from '../labelled-set';
import type { LabelledSet, Learning } from '../learning';
import { selectKeys, splitFolds, type SplitKeys } from '../split';
import { trialMetrics } from './judge';
import type { RecipeProgress } from './progress';

/** Labels of the first rung. */
const FIRST_ROWS = 256;
const FOLDS = 3;
/** Share of an ensemble's full length that a trial gets: the order of trials shows long before the last epoch. */
const EFFORT = 1 / 3;
/**
 * A candidate this much worse than the best is left behind: at 1.22 an MLP still got a weight of 0.11 on ESOL, for a third of the whole
 * cost. One within the second share of the best goes on beside its family's leader.
 */
const HOPELESS = 1.15;
const CLOSE = 1.1;
/** Models of one family that go on. */
const PER_FAMILY = 2;

export interface ExploreRequest {
  readonly candidates: readonly TrialSpec[];
  readonly labelled: (featurizer: FeaturizerSpec) => LabelledSet;
  /** What is held out together, of all rows; null: rows at random. */
  readonly split: SplitKeys | null;
  readonly seed: number;
  /** Compare on this many labels and no others; left out, learning curves decide. */
  readonly rows?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RecipeProgress) => void;
}

export interface Explored {
  /** Best first. */
  readonly leaders: readonly TrialSpec[];
  readonly record: Omit<ExplorationRecord<ModelMetrics>, 'chosen' | 'rule'>;
  readonly computeSeconds: number;
}

/**
 * Successive halving of the candidates, out of fold, on a downscaled set that doubles until the learning curves say that more
 * labels would not change the choice (`growDownscale`). Every trial of a rung sees the same rows and folds.
 * @throws what the candidates threw, if none of them worked; cancelled
 */
export async function exploreCandidates(
  learning: Pick<Learning, 'fit'>,
  request: ExploreRequest,
): Promise<Explored> {
  const { candidates, labelled } = request;
  const labels = labelled(candidates[0]!.featurizer).targets.length;
  const results: TrialResult<ModelMetrics>[] = [];
  const failures: { trialId: string; message: string }[] = [];
  const rungs: { rung: number; effort: number; trials: string[] }[] = [];
  let entrants = candidates;
  let rows = Math.min(request.rows ?? FIRST_ROWS, labels);
  let seen = rows;
  let downscaling = 'a single candidate needs no comparison';
  while (candidates.length > 1) {
    const rung = rungs.length;
    const ran = await runRung(learning, request, { entrants, rung, rows });
    results.push(...ran.results);
    failures.push(...ran.failures);
    if (ran.results.length === 0) throw ran.firstError;
    rungs.push({ rung, effort: EFFORT, trials: entrants.map(({ trialId }) => trialId) });
    entrants = leadersOf(candidates, ran.results);
    seen = ran.rows;
    const { next, why } = growDownscale(results, rows, labels);
    downscaling = why;
    if (request.rows || next === null || entrants.length === 1) break;
    rows = next;
  }
  request.onProgress?.({ phase: 'explore', what: 'compared', done: 1, of: 1 });
  return {
    leaders: entrants,
    record: {
      subsetRows: seen,
      labels,
      folds: FOLDS,
      rungs,
      trials: candidates,
      results,
      failures,
      downscaling,
    },
    computeSeconds: results.reduce((sum, result) => sum + result.computeSeconds, 0),
  };
}

interface RungOutcome {
  readonly results: readonly TrialResult<ModelMetrics>[];
  readonly failures: readonly { readonly trialId: string; readonly message: string }[];
  readonly firstError: unknown;
  readonly rows: number;
}

async function runRung(
  learning: Pick<Learning, 'fit'>,
  { labelled, split, seed, signal, onProgress }: ExploreRequest,
  { entrants, rung, rows }: { entrants: readonly TrialSpec[]; rung: number; rows: number },
): Promise<RungOutcome> {
  const all = labelled(entrants[0]!.featurizer);
  const sample = downscaleLabels(all, rows, deriveSeed(seed, 'downscale', rows));
  const plan = splitFolds({
    labelled: selectLabelledRows(all, sample),
    folds: FOLDS,
    seed: deriveSeed(seed, rung),
    split: selectKeys(split, sample),
  });
  const results: TrialResult<ModelMetrics>[] = [];
  const failures: { trialId: string; message: string }[] = [];
  let firstError: unknown;
  for (const [i, trial] of entrants.entries()) {
    const { trialId } = trial;
    onProgress?.({
      phase: 'explore',
      what: `${trialId} on ${sample.length} labels`,
      done: i,
      of: entrants.length,
    });
    try {
      const own = selectLabelledRows(labelled(trial.featurizer), sample);
      const { predictions, backend, computeSeconds } = await outOfFold(learning, {
        settings: settingsAtEffort(trial.settings, EFFORT),
        labelled: own,
        folds: FOLDS,
        ...plan,
        // One seed a rung: candidates differ by what they are, not by luck.
        seed: deriveSeed(seed, rung),
        signal,
      });
      const metrics = trialMetrics(own, predictions, plan.assignment);
      results.push({ trialId, rung, rows: sample.length, metrics, backend, computeSeconds });
    } catch (error) {
      if (signal?.aborted) throw error;
      firstError ??= error;
      failures.push({ trialId, message: asTitrateError(error).message });
    }
  }
  return { results, failures, firstError, rows: sample.length };
}

/** The leader of each family that is not hopeless, and seconds that are close; best first. */
function leadersOf(
  candidates: readonly TrialSpec[],
  results: readonly TrialResult<ModelMetrics>[],
): TrialSpec[] {
  const ranked = [...results].sort((a, b) => scoreOf(a.metrics) - scoreOf(b.metrics));
  const best = scoreOf(ranked[0]!.metrics);
  const taken = new Map<BaseModelSettings['family'], number>();
  return ranked.flatMap(({ trialId, metrics }) => {
    const trial = candidates.find((candidate) => candidate.trialId === trialId)!;
    const { family } = trial.settings as BaseModelSettings;
    const before = taken.get(family) ?? 0;
    const limit = before === 0 ? HOPELESS : CLOSE;
    if (before >= PER_FAMILY || scoreOf(metrics) > limit * best) return [];
    taken.set(family, before + 1);
    return [trial];
  });
}
