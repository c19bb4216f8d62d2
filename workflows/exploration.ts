import { isCancellation } from '@temporalio/workflow';
import type { FeatureSet } from '../activities/featurization';
import { chooseWinner, EXPLORATION_RULE, planRungs, promote, type Rung } from '../src/campaign';
import {
  featurizerName,
  type CampaignConfig,
  type Cut,
  type ExplorationRecord,
  type LabelSplit,
  type RuntimePin,
  type TrialResult,
  type TrialSpec,
} from '../src/contracts';
import { gpu } from './activities';
import { mapLimited, rootCause, surfaced } from './support';
import { tuningOf } from './tuning';

export interface ExplorationInput {
  readonly cut: Cut;
  /** One for every featurizer to try. */
  readonly features: readonly FeatureSet[];
  readonly exploration: CampaignConfig['exploration'];
  readonly training: CampaignConfig['training'];
  /** What trials hold out; left out: rows at random. */
  readonly split?: LabelSplit;
  readonly seed: number;
  readonly runtime: RuntimePin;
}

export interface ExplorationOutput {
  readonly record: ExplorationRecord;
  readonly seconds: number;
  readonly cached: boolean;
}

/** Trials under way at once; the workers decide how many really run side by side. */
const TRIALS_AT_ONCE = 8;

/** What was noted of the trials' folds, each once. */
const notesOf = (results: readonly TrialResult[]) => [...new Set(results.flatMap(({ notes = [] }) => notes))];

/** Successive halving over families, featurizers and settings on a downscaled set. Each trial is an activity, so none is lost. */
export async function exploration(input: ExplorationInput): Promise<ExplorationOutput> {
  try {
    const { cut, features, split, seed, runtime } = input;
    const plan = await gpu.planExploration.executeWithOptions(
      { summary: `plan trials for ${cut.labels} labels` },
      [
        {
          cut,
          featurizers: features.map((set) => set.featurizer),
          exploration: input.exploration,
          training: input.training,
          seed,
        },
      ],
    );
    const tuner = tuningOf(plan.tuner);
    const results: TrialResult[] = [];
    const failures: { trialId: string; message: string }[] = [];
    const rungs: { rung: number; effort: number; trials: string[] }[] = [];
    let seconds = 0;
    let cached = true;

    const run = async (trial: TrialSpec, rung: Rung): Promise<TrialResult | null> => {
      const set = features.find(
        (candidate) => featurizerName(candidate.featurizer) === featurizerName(trial.featurizer),
      )!;
      try {
        const outcome = await gpu.runTrial.executeWithOptions(
          { summary: `rung ${rung.rung}: ${trial.trialId} on ${rung.rows} labels` },
          [
            {
              trial,
              rung: rung.rung,
              rows: rung.rows,
              effort: rung.effort,
              cut,
              features: set,
              exploration: input.exploration,
              split,
              seed,
              runtime,
            },
          ],
        );
        seconds += outcome.seconds;
        cached &&= outcome.cached;
        return outcome.value;
      } catch (error) {
        if (isCancellation(error)) throw error;
        failures.push({ trialId: trial.trialId, message: rootCause(error).message });
        return null;
      }
    };

    let entrants: readonly TrialSpec[] = plan.trials;
    let last: TrialResult[] = [];
    const play = async (rung: Rung) => {
      rungs.push({ rung: rung.rung, effort: rung.effort, trials: entrants.map((trial) => trial.trialId) });
      const done = await mapLimited(entrants, TRIALS_AT_ONCE, (trial) => run(trial, rung));
      last = done.filter((result) => result !== null);
      results.push(...last);
      await tuner?.rung(rung.rung, last);
    };
    const { maxRows } = input.exploration;
    const planned = planRungs(plan.trials, { maxRows, labels: plan.labels });
    let rung = planned[0]!;
    for (rung of planned) {
      await play(rung);
      if (rung === planned.at(-1)) continue;
      const promoted = promote(last, rung.keep, plan.trials);
      entrants = (await tuner?.goingOn(rung.rung, promoted)) ?? promoted;
    }

    let downscaling: string | undefined;
    while (maxRows === 'auto' && rung.rows < plan.labels && last.length > 1) {
      const { next, why } = await gpu.judgeDownscaling.executeWithOptions(
        { summary: `are ${rung.rows} labels enough to choose by` },
        [
          {
            results: results.filter((result) => result.rung >= planned.length - 1),
            rows: rung.rows,
            labels: plan.labels,
          },
        ],
      );
      downscaling = why;
      if (next === null) break;
      entrants = entrants.filter(({ trialId }) => last.some((result) => result.trialId === trialId));
      rung = { ...rung, rung: rung.rung + 1, rows: next, trials: entrants.length };
      await play(rung);
    }
    await tuner?.end(results, failures);
    const record: ExplorationRecord = {
      subsetRows: maxRows === 'auto' ? rung.rows : plan.subsetRows,
      labels: plan.labels,
      folds: input.exploration.folds,
      rungs,
      trials: plan.trials,
      results,
      failures,
      chosen: chooseWinner(last, plan.trials),
      rule: EXPLORATION_RULE,
      ...(downscaling && { downscaling }),
      ...(plan.warmStart && { warmStart: plan.warmStart }),
      ...(tuner && { tuner: tuner.record() }),
      ...(split && { split: { kind: split.kind, notes: notesOf(results) } }),
    };
    return { record, seconds, cached };
  } catch (error) {
    throw surfaced(error);
  }
}
