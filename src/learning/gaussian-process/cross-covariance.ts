import { TitrateError, type FeatureMatrix } from '../../contracts';
import { concatFeatureRows } from '../../foundation';
import { COVARIANCE_MAX_ROWS } from '../learning';
import { encodeRows, selectEncodedRows } from './feature-space';
import type { PreparedModel } from './model';
import { project, spreads } from './posterior';
import { subtractProduct } from './products';
import { buildReference, kernelRows } from './tanimoto';

/**
 * Covariance of the noise-free function between each row and each of the others, rows x others, row-major, in squared units of the
 * targets; what `jointCovariance` of all of them has in that block.
 * @throws usage for more than COVARIANCE_MAX_ROWS^2 pairs
 */
export function covarianceBetween(
  model: PreparedModel,
  features: FeatureMatrix,
  others: FeatureMatrix,
): Float64Array {
  const [rows, columns] = [features.rows, others.rows];
  if (rows * columns > COVARIANCE_MAX_ROWS ** 2) {
    throw new TitrateError('usage', {
      what: `the covariance of ${rows} rows with ${columns} others was asked for, ${COVARIANCE_MAX_ROWS ** 2} pairs at most`,
      remedy: 'Ask for fewer rows at a time',
    });
  }
  const out = new Float64Array(rows * columns);
  if (out.length === 0) return out;
  // Encoded together: keys that training has not seen are numbered within the rows of one matrix.
  const query = encodeRows(model.space, concatFeatureRows([features, others]));
  const reference = buildReference(
    selectEncodedRows(
      query,
      Array.from({ length: columns }, (_, i) => rows + i),
    ),
    model.reference.mix,
  );
  kernelRows(reference, query, 0, rows, out);
  const n = model.rootWeights.length;
  const all = project(model, query, 0, rows + columns, new Float64Array((rows + columns) * n));
  const target = { data: out, at: 0, stride: columns };
  const size = { rows, columns, depth: n };
  const { explained, open } = all;
  const from = (data: Float64Array, row: number) => ({ data, at: row * n, stride: n });
  subtractProduct(target, from(explained, 0), from(explained, rows), size);
  if (open) {
    const negative = open.subarray(rows * n).map((value) => -value);
    subtractProduct(target, from(open, 0), from(negative, 0), size);
  }
  const unit = model.scale ** 2 * model.signalVariance;
  const factors = model.link ? spreads(model, all, rows + columns) : undefined;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++)
      out[i * columns + j]! *= unit * (factors ? factors[i]! * factors[rows + j]! : 1);
  }
  return out;
}
