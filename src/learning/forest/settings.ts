import { TitrateError, type RandomForestSettings } from '../../contracts';
import { checkLabelled, measuredRows } from '../labelled-set';
import type { FitRequest, LabelledSet, TargetColumn } from '../learning';
import type { ForestColumns } from './columns';
import type { TreeSettings } from './grow-tree';

/** Least number of labels: a split needs two. */
export const FOREST_MIN_LABELS = 2;
/** Most values of all leaves that are kept: trees times labels. */
const MAX_LEAVES = 200_000_000;

/**
 * Refuses a request that cannot be trained on, before any thread starts.
 * @throws config-invalid; labels-insufficient; result-invalid; usage for more trees and labels than can be kept
 */
export function checkRequest({ settings, labelled }: FitRequest): RandomForestSettings {
  if (settings.family !== 'random-forest')
    throw new TitrateError('internal', {
      what: `settings of ${settings.family} were given to the random forest`,
    });
  const { trees, maxFeatures, maxDescriptors, minLeaf } = settings;
  checkCount('trees', trees, 2);
  checkCount('minLeaf', minLeaf, 1);
  checkShare('maxFeatures', maxFeatures);
  if (maxDescriptors !== undefined) checkShare('maxDescriptors', maxDescriptors);
  checkLabelled(labelled);
  if (trees * labelled.features.rows > MAX_LEAVES) {
    throw new TitrateError('usage', {
      what: `${trees} trees on ${labelled.features.rows} labels may have ${trees * labelled.features.rows} leaves, more than ${MAX_LEAVES}`,
      where: 'random-forest training',
      remedy: 'Ask for fewer trees',
    });
  }
  [labelled, ...(labelled.auxiliary ?? [])].forEach((column, index) =>
    checkEnough(column, labelled.task, index),
  );
  return settings;
}

function checkCount(field: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new TitrateError('config-invalid', {
    what: `${field} is ${value}, expected a whole number of at least ${least}`,
    where: `settings.${field}`,
  });
}

function checkShare(field: string, value: number | 'sqrt'): void {
  if (value === 'sqrt' || (value > 0 && value <= 1)) return;
  throw new TitrateError('config-invalid', {
    what: `${field} is ${value}, expected 'sqrt' or a share above 0 and up to 1`,
    where: `settings.${field}`,
  });
}

function checkEnough(column: TargetColumn, task: LabelledSet['task'], index: number): void {
  const which = index === 0 ? '' : ` of auxiliary property ${index}`;
  const refuse = (what: string) => {
    throw new TitrateError('labels-insufficient', {
      what,
      where: 'random-forest training',
      remedy: 'Measure more molecules before training',
    });
  };
  if (task === 'classification') {
    for (const label of [0, 1]) {
      if (!column.targets.includes(label))
        refuse(`none of the labels${which} is ${label}; a random forest needs both classes`);
    }
    return;
  }
  const measured = measuredRows(column).length;
  if (measured < FOREST_MIN_LABELS)
    refuse(
      `a random forest needs at least ${FOREST_MIN_LABELS} measured values${which} and has ${measured}; bounds (< and >) do not count`,
    );
}

/** How many columns a node tries. */
export function treeSettings(
  { maxFeatures, maxDescriptors, minLeaf }: RandomForestSettings,
  { counted, real }: Pick<ForestColumns, 'counted' | 'real'>,
  task: LabelledSet['task'],
): TreeSettings {
  const tried = (share: number | 'sqrt', of: number) =>
    Math.min(of, Math.max(1, share === 'sqrt' ? Math.floor(Math.sqrt(of)) : Math.ceil(share * of)));
  return {
    countedTried: tried(maxFeatures, counted.length),
    realTried: tried(maxDescriptors ?? (task === 'classification' ? 'sqrt' : 1 / 3), real.length),
    minLeaf,
  };
}
