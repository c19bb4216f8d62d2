import { TitrateError, type ModelSettings, type TrialResult, type TrialSpec } from '../../contracts';
import { deriveSeed } from '../../foundation';
import { crossValidate } from '../cross-validate';
import type { LabelledSet, Learning } from '../learning';
import { foldsOrRandom, type SplitKeys } from '../split';

/** Two networks are the least that have a spread. */
const MIN_MEMBERS = 2;
/** Fewer trees than this differ by the luck of their draws. */
const MIN_TREES = 100;

export interface TrialRequest {
  readonly trial: TrialSpec;
  readonly rung: number;
  /** Share of a full-length trial, 0 < effort <= 1. */
  readonly effort: number;
  /** Features of the trial's featurizer, already downscaled. */
  readonly labelled: LabelledSet;
  readonly folds: number;
  /** What the folds hold out together; null: rows at random. */
  readonly split?: SplitKeys | null;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onFold?: (done: number, of: number) => void;
}

/** Settings of a trial at part effort: an ensemble's epochs and members shrink, a forest's trees; a GP is as cheap as it gets. */
export function settingsAtEffort<S extends ModelSettings>(settings: S, effort: number): S;
export function settingsAtEffort(settings: ModelSettings, effort: number): ModelSettings {
  if (settings.family === 'gaussian-process') return settings;
  if (settings.family === 'random-forest') {
    const trees = Math.min(settings.trees, Math.max(MIN_TREES, Math.round(settings.trees * effort)));
    return { ...settings, trees };
  }
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
  const { trial, rung, effort, labelled, folds, split = null, seed, signal, onFold } = request;
  if (!(effort > 0 && effort <= 1)) {
    throw new TitrateError('usage', {
      what: `effort is ${effort}, expected more than 0 and at most 1`,
      where: trial.trialId,
    });
  }
  const settings = settingsAtEffort(trial.settings, effort);
  const { notes, assignment, forward } = split
    ? foldsOrRandom({ labelled, folds, split, seed: deriveSeed(seed, 'folds') })
    : { notes: [] };
  const { metrics, backend, computeSeconds } = await crossValidate(learning, {
    settings,
    labelled,
    folds,
    assignment,
    forward,
    seed,
    signal,
    onFold,
  });
  const { trialId } = trial;
  const rows = labelled.features.rows;
  return { trialId, rung, rows, metrics, backend, computeSeconds, ...(notes.length > 0 && { notes }) };
}
