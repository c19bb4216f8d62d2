import { TitrateError, type FeatureMatrix } from '../contracts';
import { isRagged, rowStride, selectFeatureRows } from '../foundation';
import type { LabelledSet, TargetColumn } from './learning';

/** Rows of a labelled set, in the order given. */
export function selectLabelledRows(labelled: LabelledSet, indices: readonly number[]): LabelledSet {
  const column = ({ targets, qualifiers, replicates }: TargetColumn): TargetColumn => ({
    targets: Float64Array.from(indices, (row) => targets[row]!),
    qualifiers: indices.map((row) => qualifiers[row]!),
    replicates: Float64Array.from(indices, (row) => replicates[row]!),
  });
  const { features, task, auxiliary } = labelled;
  return {
    ...(task && { task }),
    features: selectFeatureRows(features, indices),
    ...column(labelled),
    ...(auxiliary && { auxiliary: auxiliary.map(column) }),
  };
}

/** Indices of the rows that are measurements of the wanted property: neither bounds nor missing. */
export function measuredRows({
  targets,
  qualifiers,
}: Pick<TargetColumn, 'targets' | 'qualifiers'>): number[] {
  return qualifiers.flatMap((qualifier, i) => (qualifier === '=' && Number.isFinite(targets[i]) ? [i] : []));
}

/**
 * Checks that labels and features belong together and can be learnt from.
 * @throws internal if lengths differ; result-invalid if a target is not finite (NaN, not measured, is allowed in a row in which
 * another property was measured), a class is neither 0 nor 1, or a row counts no measurement.
 */
export function checkLabelled(labelled: LabelledSet): void {
  const { features, auxiliary = [] } = labelled;
  checkFeatureRows(features);
  const columns: readonly TargetColumn[] = [labelled, ...auxiliary];
  for (const { targets, qualifiers, replicates } of columns) {
    const lengths = [targets.length, qualifiers.length, replicates.length];
    if (lengths.every((length) => length === features.rows)) continue;
    throw new TitrateError('internal', {
      what: `${features.rows} rows of features go with ${lengths[0]} targets, ${lengths[1]} qualifiers and ${lengths[2]} replicate counts`,
      remedy: 'Give one label for every row of features',
    });
  }
  for (let row = 0; row < features.rows; row++) {
    const where = features.moleculeIds[row];
    const missing = (column: TargetColumn) => auxiliary.length > 0 && Number.isNaN(column.targets[row]);
    if (columns.every(missing)) {
      throw new TitrateError('result-invalid', {
        what: `none of the ${columns.length} targets is a number`,
        where,
        remedy: 'Leave the molecule out',
      });
    }
    for (const column of columns) if (!missing(column)) checkTarget(column, row, labelled.task, where);
  }
}

function checkTarget(
  { targets, replicates }: TargetColumn,
  row: number,
  task: LabelledSet['task'],
  where: string | undefined,
): void {
  const target = targets[row]!;
  const wanted = task === 'classification' ? '0 or 1' : 'a finite number';
  if (task === 'classification' ? target !== 0 && target !== 1 : !Number.isFinite(target)) {
    throw new TitrateError('result-invalid', {
      what: `the target is ${target}, expected ${wanted}`,
      where,
      remedy: 'Correct or withdraw this result',
    });
  }
  if (!(replicates[row]! > 0 && Number.isFinite(replicates[row]))) {
    throw new TitrateError('result-invalid', {
      what: `the target averages ${replicates[row]} measurements, expected at least 1`,
      where,
    });
  }
}

/** @throws internal when the data are not as long as the rows make them */
function checkFeatureRows(features: FeatureMatrix): void {
  if (features.layout === 'bundle') {
    for (const part of features.parts!) checkFeatureRows(part);
    return;
  }
  const { rows, data, offsets } = features;
  const expected = isRagged(features.layout) ? offsets?.[rows] : rows * rowStride(features);
  if (data.length === expected) return;
  throw new TitrateError('internal', {
    what: `${rows} rows of features have ${data.length} values, expected ${expected}`,
    remedy: 'Featurise the molecules again',
  });
}
