import {
  featurizerName,
  TitrateError,
  type FeaturizerSpec,
  type MlpEnsembleSettings,
  type TrialSpec,
} from '../../contracts';
import type { SearchSpace, Suggestion } from './tuning';

/** What a suggestion leaves open: chosen by the campaign or by the number of labels. */
export type FixedSettings = Pick<MlpEnsembleSettings, 'members' | 'epochs' | 'batchSize'>;

/** Ranges in which small networks on fingerprints train without trouble; the same as `proposeTrials` draws from. */
const HIDDEN = ['64', '128', '256', '128-64', '256-128'];
const DROPOUT = { low: 0, high: 0.2 };
const LEARNING_RATE = { low: 1e-3, high: 3e-3 };
const WEIGHT_DECAY = { low: 1e-5, high: 1e-2 };

/**
 * The search for the settings of an ensemble of networks and its featurizer, by the held-out root mean square error as a share of the
 * spread of the held-out values: one study goes over rounds with other labels.
 */
export function ensembleSpace(featurizers: readonly FeaturizerSpec[]): SearchSpace {
  return {
    metric: { name: 'relative_rmse', goal: 'minimise' },
    parameters: [
      { name: 'featurizer', kind: 'choice', values: featurizers.map(featurizerName) },
      { name: 'hidden', kind: 'choice', values: HIDDEN },
      { name: 'dropout', kind: 'real', scale: 'linear', ...DROPOUT },
      { name: 'learning_rate', kind: 'real', scale: 'log', ...LEARNING_RATE },
      { name: 'weight_decay', kind: 'real', scale: 'log', ...WEIGHT_DECAY },
    ],
  };
}

/** The trial that a suggestion of `ensembleSpace` means. @throws TitrateError config-invalid when it is of another space. */
export function ensembleTrial(
  { id, settings }: Suggestion,
  featurizers: readonly FeaturizerSpec[],
  fixed: FixedSettings,
): TrialSpec {
  const wrong = (name: string) =>
    new TitrateError('config-invalid', {
      what: `'${name}' is ${JSON.stringify(settings[name])}`,
      where: `suggestion ${id}`,
      remedy: 'Was the study made by another release? A new name makes a new one',
    });
  const number = (name: string) => {
    const value = settings[name];
    if (typeof value !== 'number') throw wrong(name);
    return value;
  };
  const featurizer = featurizers.find((each) => featurizerName(each) === settings.featurizer);
  if (!featurizer) throw wrong('featurizer');
  if (!HIDDEN.includes(String(settings.hidden))) throw wrong('hidden');
  return {
    trialId: `mlp-vizier-${id}`,
    featurizer,
    settings: {
      family: 'mlp-ensemble',
      ...fixed,
      hidden: String(settings.hidden).split('-').map(Number),
      dropout: number('dropout'),
      learningRate: number('learning_rate'),
      weightDecay: number('weight_decay'),
    },
  };
}
