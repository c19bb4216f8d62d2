import { TitrateError, type ModelSettings, type TrialResult, type TrialSpec } from '../../contracts';
import { crossValidate } from '../cross-validate';
import type { LabelledSet, Learning } from '../learning';

/** Two networks are the least that have a spread. */
const MIN_MEMBERS = 2;

export interface TrialRequest {
  readonly trial: TrialSpec;
  readonly rung: number;
  /** Share of a full-length trial, 0 < effort <= 1. */
  readonly effort: number;
  /** Features of the trial's featurizer, already downscaled. */
  readonly labelled: LabelledSet;
  readonly folds: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onFold?: (done: number, of: number) => void;
}

/** Settings of a trial at part effort: an ensemble's epochs and members shrink, a GP is as cheap as it gets. */
export function settingsAtEffort<S extends ModelSettings>(settings: S, effort: number): S;
export function settingsAtEffort(settings: ModelSettings, effort: number): ModelSettings {
  if (settings.family === 'gaussian-process') return settings;
  if (settings.family === 'stack') {
    const models = settings.models.map((model) => ({
      ...model,
      settings: settingsAtEffort(model.settings, effort),
    }));
    return { ...settings, models };
  }
  return {
    ...settings,
    epochs: Math.max(1, Math.round(settings.epochs * effort)),
    members: Math.min(settings.members, Math.max(MIN_MEMBERS, Math.round(settings.members * effort))),
  };
}

/**
 * Judges a trial out of fold. Trials given the same seed and rows are judged on the same folds: give all trials of a rung one
 * seed, so that they differ by their settings and not by the luck of the folds.
 * @throws usage if effort is out of range, and what `crossValidate` throws.
 */
export async function runTrial(learning: Pick<Learning, 'fit'>, request: TrialRequest): Promise<TrialResult> {
  const { trial, rung, effort, labelled, folds, seed, signal, onFold } = request;
  if (!(effort > 0 && effort <= 1)) {
    throw new TitrateError('usage', {
      what: `effort is ${effort}, expected more than 0 and at most 1`,
      where: trial.trialId,
    });
  }
  const settings = settingsAtEffort(trial.settings, effort);
  const { metrics, backend, computeSeconds } = await crossValidate(learning, {
    settings,
    labelled,
    folds,
    seed,
    signal,
    onFold,
  });
  return { trialId: trial.trialId, rung, rows: labelled.features.rows, metrics, backend, computeSeconds };
}
