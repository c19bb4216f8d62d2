import { TitrateError, type GaussianProcessSettings } from '../../contracts';
import { measuredRows, selectLabelledRows } from '../labelled-set';
import type { LabelledSet } from '../learning';
import { fitAndPrepare, type FittedOutput } from './fit';

/** Least number of measured (uncensored) labels: a mean and a variance are to be estimated. */
export const GP_MIN_LABELS = 2;

/**
 * The labelled set of each property: the wanted one, then the auxiliary ones; each with the rows that have a value of it. Properties
 * that have one in the same rows share the features.
 * @throws labels-insufficient
 */
export function propertySets(labelled: LabelledSet): LabelledSet[] {
  const { features, task, auxiliary = [], ...wanted } = labelled;
  const selections = new Map<string, LabelledSet['features']>();
  return [wanted, ...auxiliary].map((column, index) => {
    const measured = measuredRows(column).length;
    if (measured < GP_MIN_LABELS) {
      const which = index === 0 ? '' : ` of auxiliary property ${index}`;
      throw new TitrateError('labels-insufficient', {
        what: `a Gaussian process needs at least ${GP_MIN_LABELS} measured values${which} and has ${measured}`,
        remedy: 'Measure more molecules first; bounds (< and >) do not count',
      });
    }
    const rows = [...column.targets.keys()].filter((row) => !Number.isNaN(column.targets[row]));
    const set: LabelledSet = { ...column, ...(task && { task }), features };
    if (rows.length === features.rows) return set;
    const selected = selectLabelledRows(set, rows);
    const key = rows.join();
    const shared = selections.get(key) ?? selected.features;
    selections.set(key, shared);
    return { ...selected, features: shared };
  });
}

/** An independent Gaussian process for every property. @throws numerical, labels-insufficient */
export function fitOutputs(settings: GaussianProcessSettings, labelled: LabelledSet): FittedOutput[] {
  return propertySets(labelled).map((set) => fitAndPrepare(settings, set));
}
