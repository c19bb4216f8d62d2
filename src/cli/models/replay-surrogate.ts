import { evidenceOf, leaveOneOut, type FitSurrogate } from '../../acquisition';
import type { ModelSettings } from '../../contracts';
import {
  candidatesFor,
  CV_MIN_LABELS,
  outOfFold,
  type FittedModel,
  type LabelledSet,
  type Learning,
  type Prediction,
} from '../../learning';

export type SurrogateFamily =
  'gaussian-process' | 'mlp-ensemble' | 'random-forest' | 'message-passing-ensemble';

/** Campaigns regress; so the classes of a screen are regressed on as 0 and 1. */
export const REPLAY_TASK = 'regression';
/** Folds of the evidence of a family that has none in closed form, as a campaign's evaluation. */
const FOLDS = 5;

/**
 * The family's default settings for as many labels as there are, and its calibration and evidence by held-out predictions: of a
 * Gaussian process in closed form, of a forest by folds. Networks are too dear to train again and again: they have neither.
 */
export function surrogateOf(learning: Learning, family: SurrogateFamily): FitSurrogate {
  return async (labelled, seed, signal) => {
    const request = { families: family, task: REPLAY_TASK, labels: labelled.features.rows } as const;
    const { settings } = candidatesFor(request, [labelled.features.spec])[0]!;
    const model = await learning.fit({ settings, labelled, seed, signal });
    try {
      const predicted = await withoutOwnLabel(learning, model, settings, labelled, seed, signal);
      return { model, ...(predicted ? evidenceOf(labelled, predicted) : { calibrationScale: 1 }) };
    } catch (error) {
      model.dispose();
      throw error;
    }
  };
}

/** Predictions of the labelled rows, each without its own label; null where they cannot be had at a small cost. */
async function withoutOwnLabel(
  learning: Learning,
  model: FittedModel,
  settings: ModelSettings,
  labelled: LabelledSet,
  seed: number,
  signal?: AbortSignal,
): Promise<Prediction | null> {
  if (labelled.features.rows < CV_MIN_LABELS) return null;
  if (model.family === 'random-forest') {
    return (await outOfFold(learning, { settings, labelled, folds: FOLDS, seed, signal })).predictions;
  }
  // A sparse posterior is not the product of a prior and the likelihoods of the labels.
  if (model.family !== 'gaussian-process' || model.facts.inducingMolecules !== undefined) return null;
  return leaveOneOut(labelled, await model.predict(labelled.features, signal));
}
