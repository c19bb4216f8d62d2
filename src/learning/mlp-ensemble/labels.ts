import { TitrateError, type MlpEnsembleSettings } from '../../contracts';
import { checkLabelled } from '../labelled-set';
import type { FitRequest, LabelledSet } from '../learning';
import type { StandardLabels } from './likelihood';

/** Fewer labels than this teach a network nothing; at least two of them must be more than limits. */
export const MINIMUM_LABELS = 8;
const MINIMUM_MEASURED = 2;

/** target = centre + scale * standardised value. */
export interface TargetScale {
  readonly centre: number;
  readonly scale: number;
}

/**
 * Labels in units of their own spread. Limits count like measurements here: it is only a change of unit.
 * Where all targets are equal the scale is their size (1 for zeros), so that the network still sees moderate numbers.
 */
export function standardise({ targets, qualifiers, replicates }: LabelledSet): {
  scale: TargetScale;
  labels: StandardLabels;
} {
  const centre = targets.reduce((sum, y) => sum + y, 0) / targets.length;
  const deviation = Math.sqrt(targets.reduce((sum, y) => sum + (y - centre) ** 2, 0) / targets.length);
  const scale = deviation > 1e-12 * Math.abs(centre) ? deviation : Math.abs(centre) || 1;
  return {
    scale: { centre, scale },
    labels: { values: targets.map((y) => (y - centre) / scale), qualifiers, replicates },
  };
}

/**
 * Refuses a request that cannot be trained on, before any thread starts.
 * @throws config-invalid for settings out of range; labels-insufficient; result-invalid for a label that is no number or
 * has no replicates; internal when the parts of the set do not have one length
 */
export function assertTrainable({ settings, labelled }: FitRequest): MlpEnsembleSettings {
  if (settings.family !== 'mlp-ensemble') {
    throw new TitrateError('internal', {
      what: `Settings of family '${settings.family}' reached the mlp-ensemble`,
    });
  }
  assertSettings(settings);
  checkLabelled(labelled);
  const { features, qualifiers } = labelled;
  const measured = qualifiers.filter((qualifier) => qualifier === '=').length;
  if (features.rows < MINIMUM_LABELS || measured < MINIMUM_MEASURED) {
    throw new TitrateError('labels-insufficient', {
      what: `${features.rows} labels, ${measured} of them measured values and not limits; an ensemble needs ${MINIMUM_LABELS} and ${MINIMUM_MEASURED}`,
      where: 'mlp-ensemble training',
      remedy: 'Measure more molecules before training',
    });
  }
  return settings;
}

function assertSettings(settings: MlpEnsembleSettings): void {
  const count = (value: number) => Number.isInteger(value) && value >= 1;
  const expected: [keyof MlpEnsembleSettings, boolean, string][] = [
    ['members', count(settings.members), 'an integer from 1'],
    ['hidden', settings.hidden.every(count), 'layer sizes, integers from 1'],
    ['dropout', settings.dropout >= 0 && settings.dropout < 1, 'a rate from 0, below 1'],
    ['learningRate', settings.learningRate > 0 && Number.isFinite(settings.learningRate), 'a number above 0'],
    ['weightDecay', settings.weightDecay >= 0 && Number.isFinite(settings.weightDecay), 'a number from 0'],
    ['batchSize', count(settings.batchSize), 'an integer from 1'],
    ['epochs', count(settings.epochs), 'an integer from 1'],
  ];
  for (const [name, valid, wanted] of expected) {
    if (valid) continue;
    throw new TitrateError('config-invalid', {
      what: `${name} is ${JSON.stringify(settings[name])}; expected ${wanted}`,
      where: `mlp-ensemble settings, ${name}`,
    });
  }
}
