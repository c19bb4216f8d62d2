import { TitrateError } from '../../contracts';
import { checkLabelled } from '../labelled-set';
import type { FitRequest, LabelledSet, TargetColumn } from '../learning';
import type { StandardLabels } from './hold-out';
import type { EnsembleSettings, NetworkPlan } from './network-kind';

/** Fewer labels than this teach a network nothing; at least two of them must be more than limits. */
export const MINIMUM_LABELS = 8;
const MINIMUM_MEASURED = 2;

/** target = centre + scale * output of the network; of classes, the logit of 1. */
export interface TargetScale {
  readonly centre: number;
  readonly scale: number;
}

/** What networks learn: a labelled set's properties in their order, the wanted one first. */
export interface StandardTargets {
  readonly scales: TargetScale[];
  readonly labels: StandardLabels[];
}

/** The properties of a set in units that suit a network: of their own spread, or classes as they are. */
export function standardiseAll(labelled: LabelledSet): StandardTargets {
  const columns = [labelled, ...(labelled.auxiliary ?? [])];
  if (labelled.task === 'classification') {
    return {
      scales: columns.map(() => ({ centre: 0, scale: 1 })),
      labels: columns.map(({ targets: values, qualifiers, replicates }) => ({
        values,
        qualifiers,
        replicates,
      })),
    };
  }
  const standard = columns.map(standardise);
  return { scales: standard.map(({ scale }) => scale), labels: standard.map(({ labels }) => labels) };
}

/**
 * Labels in units of their own spread. Limits count like measurements here: it is only a change of unit.
 * Where all targets are equal the scale is their size (1 for zeros), so that the network still sees moderate numbers.
 */
export function standardise({ targets, qualifiers, replicates }: TargetColumn): {
  scale: TargetScale;
  labels: StandardLabels;
} {
  const known = targets.filter((y) => !Number.isNaN(y));
  const centre = known.reduce((sum, y) => sum + y, 0) / Math.max(1, known.length);
  const deviation = Math.sqrt(
    known.reduce((sum, y) => sum + (y - centre) ** 2, 0) / Math.max(1, known.length),
  );
  const scale = deviation > 1e-12 * Math.abs(centre) ? deviation : Math.abs(centre) || 1;
  return {
    scale: { centre, scale },
    labels: { values: targets.map((y) => (y - centre) / scale), qualifiers, replicates },
  };
}

/**
 * Refuses a request that cannot be trained on, before any thread starts.
 * @throws config-invalid for settings out of range or features that the networks cannot take; labels-insufficient;
 * result-invalid for a label that is no number or has no replicates; internal when the parts of the set do not have one length
 */
export function assertTrainable<S extends EnsembleSettings>(
  plan: NetworkPlan<S>,
  { settings, labelled }: FitRequest,
): S {
  if (settings.family !== plan.family) {
    throw new TitrateError('internal', {
      what: `Settings of family '${settings.family}' reached the ${plan.family}`,
    });
  }
  assertSettings(settings as S);
  plan.checkSettings(settings as S);
  const { features } = labelled;
  if (!plan.layouts.includes(features.layout)) {
    throw new TitrateError('config-invalid', {
      what: `The features are '${features.layout}'; networks of this family take ${plan.layouts.join(' or ')}`,
      where: `${plan.family} training`,
      remedy: 'Choose another featurizer, or another family of models',
    });
  }
  checkLabelled(labelled);
  assertEnough(plan.family, labelled);
  return settings as S;
}

function assertEnough(family: string, { task, targets, qualifiers }: LabelledSet): void {
  const count = (belongs: (row: number) => boolean) => Array.from(targets.keys()).filter(belongs).length;
  const labels = count((row) => !Number.isNaN(targets[row]));
  const refuse = (what: string) => {
    throw new TitrateError('labels-insufficient', {
      what: `${labels} labels, ${what}`,
      where: `${family} training`,
      remedy: 'Measure more molecules before training',
    });
  };
  const needs = `an ensemble needs ${MINIMUM_LABELS} and ${MINIMUM_MEASURED}`;
  if (task === 'classification') {
    const rarer = Math.min(...[0, 1].map((value) => count((row) => targets[row] === value)));
    if (labels < MINIMUM_LABELS || rarer < MINIMUM_MEASURED) refuse(`${rarer} of the rarer class; ${needs}`);
    return;
  }
  const measured = count((row) => qualifiers[row] === '=' && !Number.isNaN(targets[row]));
  if (labels < MINIMUM_LABELS || measured < MINIMUM_MEASURED)
    refuse(`${measured} of them measured values and not limits; ${needs}`);
}

export const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1;

function assertSettings(settings: EnsembleSettings): void {
  assertInRange(settings, [
    ['members', isCount(settings.members), 'an integer from 1'],
    ['hidden', settings.hidden.every(isCount), 'layer sizes, integers from 1'],
    ['dropout', settings.dropout >= 0 && settings.dropout < 1, 'a rate from 0, below 1'],
    ['learningRate', settings.learningRate > 0 && Number.isFinite(settings.learningRate), 'a number above 0'],
    ['weightDecay', settings.weightDecay >= 0 && Number.isFinite(settings.weightDecay), 'a number from 0'],
    ['batchSize', isCount(settings.batchSize), 'an integer from 1'],
    ['epochs', isCount(settings.epochs), 'an integer from 1'],
  ]);
}

/** @throws config-invalid naming the first setting that is out of range and what was expected of it */
export function assertInRange<S extends EnsembleSettings>(
  settings: S,
  expected: readonly (readonly [name: keyof S, valid: boolean, wanted: string])[],
): void {
  for (const [name, valid, wanted] of expected) {
    if (valid) continue;
    throw new TitrateError('config-invalid', {
      what: `${String(name)} is ${JSON.stringify(settings[name])}; expected ${wanted}`,
      where: `${settings.family} settings, ${String(name)}`,
    });
  }
}
