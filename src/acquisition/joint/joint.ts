import type { FeatureMatrix } from '../../contracts';
import type { ChooseRequest, Surrogate } from '../acquisition';
import { SimilarityIndex, sparseRowsOf } from '../distance';
import { beliefsOf, type Beliefs } from '../scoring';
import { JointPosterior } from './posterior';

/** Candidates, and the molecules that are held already, under one posterior. */
export interface Joint {
  /** Held ones first. */
  readonly beliefs: Beliefs;
  /** How many of the rows are held. */
  readonly held: number;
  /** As the model has it before anything held is taken into account; rows x rows, calibrated. */
  readonly covariance: Float64Array;
  /** Variance of a measurement of each row. */
  readonly noise: Float64Array;
  /** Nothing is conditioned on yet. */
  readonly posterior: JointPosterior;
}

/** Of the diagonal, so that a model without noise stays positive definite to rounding. */
const LEAST_NOISE = 1e-9;

/** The joint posterior of held molecules and candidates. @throws as the model */
export async function jointOf(
  request: ChooseRequest,
  surrogate: Surrogate,
  held: readonly string[],
  candidates: readonly string[],
): Promise<Joint> {
  const { model, calibrationScale } = surrogate;
  const features = await request.featuresOf([...held, ...candidates]);
  const beliefs = beliefsOf(features, await model.predict(features, request.signal), calibrationScale);
  const covariance = model.covariance
    ? await model.covariance(features, request.signal)
    : supposedCovariance(features, beliefs);
  if (model.covariance) for (let i = 0; i < covariance.length; i++) covariance[i]! *= calibrationScale ** 2;
  const noise = beliefs.noise.map((deviation, i) =>
    Math.max(deviation ** 2, LEAST_NOISE * beliefs.sigma[i]! ** 2),
  );
  return {
    ...{ beliefs, held: held.length, covariance, noise },
    posterior: new JointPosterior(covariance, noise),
  };
}

/**
 * Where a model gives no covariance: its own deviations, correlated as the molecules are similar. It penalises what lies near a pick, the more
 * the nearer, as local penalisation does (González et al. 2016); positive semi-definite, as the Tanimoto coefficient is (Gower 1971).
 */
function supposedCovariance(features: FeatureMatrix, { sigma }: Beliefs): Float64Array {
  const n = features.rows;
  const out = new Float64Array(n * n);
  const molecules = sparseRowsOf(features);
  const index = molecules && new SimilarityIndex(molecules);
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    if (molecules) index!.similarities(molecules, i, row);
    else row.fill(0);
    row[i] = 1;
    for (let j = 0; j < n; j++) out[i * n + j] = sigma[i]! * sigma[j]! * row[j]!;
  }
  return out;
}
