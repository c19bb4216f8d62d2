import { TitrateError, type FeatureMatrix } from '../contracts';
import type { LabelledSet } from './learning';

/** Rows of a feature matrix, in the order given; data are copied. */
export function selectFeatureRows(features: FeatureMatrix, indices: readonly number[]): FeatureMatrix {
  const stride = features.layout === 'bits' ? features.columns / 8 : features.columns;
  const length = stride * indices.length;
  const data = features.layout === 'bits' ? new Uint8Array(length) : new Float32Array(length);
  indices.forEach((row, i) => data.set(features.data.subarray(row * stride, (row + 1) * stride), i * stride));
  return {
    ...features,
    moleculeIds: indices.map((row) => features.moleculeIds[row]!),
    rows: indices.length,
    data,
  };
}

/** Rows of a labelled set, in the order given. */
export function selectLabelledRows(labelled: LabelledSet, indices: readonly number[]): LabelledSet {
  return {
    features: selectFeatureRows(labelled.features, indices),
    targets: Float64Array.from(indices, (row) => labelled.targets[row]!),
    qualifiers: indices.map((row) => labelled.qualifiers[row]!),
    replicates: Float64Array.from(indices, (row) => labelled.replicates[row]!),
  };
}

/** Indices of the rows that are measurements, not bounds. */
export function measuredRows(labelled: Pick<LabelledSet, 'qualifiers'>): number[] {
  return labelled.qualifiers.flatMap((qualifier, i) => (qualifier === '=' ? [i] : []));
}

/**
 * Checks that labels and features belong together and can be learnt from.
 * @throws internal if lengths differ, result-invalid if a target is not finite or a row counts no measurement.
 */
export function checkLabelled({ features, targets, qualifiers, replicates }: LabelledSet): void {
  const { rows } = features;
  const stride = features.layout === 'bits' ? features.columns / 8 : features.columns;
  if (
    targets.length !== rows ||
    qualifiers.length !== rows ||
    replicates.length !== rows ||
    features.data.length !== rows * stride
  ) {
    throw new TitrateError('internal', {
      what: `${rows} rows of features go with ${targets.length} targets, ${qualifiers.length} qualifiers, ${replicates.length} replicate counts and ${features.data.length} feature values of ${rows * stride}`,
      remedy: 'Give one label for every row of features',
    });
  }
  for (let i = 0; i < rows; i++) {
    const where = features.moleculeIds[i];
    if (!Number.isFinite(targets[i])) {
      throw new TitrateError('result-invalid', {
        what: `the target is ${targets[i]}, expected a finite number`,
        where,
        remedy: 'Correct or withdraw this result',
      });
    }
    if (!(replicates[i]! > 0 && Number.isFinite(replicates[i]))) {
      throw new TitrateError('result-invalid', {
        what: `the target averages ${replicates[i]} measurements, expected at least 1`,
        where,
      });
    }
  }
}
