import type { FeatureMatrix } from '../../contracts';
import { buildFeatureSpace, encodeRows } from './feature-space';
import { buildReference, kernelMatrix, type KernelMix } from './tanimoto';

/** Structure and descriptors count alike as long as no label says otherwise. */
const EVEN: KernelMix = { structure: 1 / 3, product: 1 / 3, descriptors: 1 / 3, lengthScale: 1 };

/**
 * What a Gaussian process takes the rows to have in common before it has seen a value: its kernel, rows x rows, row-major, symmetric,
 * 1 on the diagonal.
 * @throws as buildFeatureSpace
 */
export function priorCovariance(features: FeatureMatrix): Float64Array {
  const encoded = encodeRows(buildFeatureSpace(features), features);
  const apart = features.layout === 'counts' && encoded.width > 0;
  return kernelMatrix(buildReference(encoded, apart ? EVEN : undefined));
}
