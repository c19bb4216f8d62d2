/**
 * Names under which the inference server counts by `model` and `version`, as src/serving/traffic writes them. A test holds the two
 * together.
 */
export const METRICS = {
  requests: 'titrate_traffic_requests_total',
  latency: 'titrate_traffic_request_duration_seconds',
  molecules: 'titrate_traffic_molecules_total',
  predictionSum: 'titrate_traffic_prediction_sum',
  predictionSquares: 'titrate_traffic_prediction_squares_sum',
  pairs: 'titrate_traffic_agreement_pairs_total',
  differenceSum: 'titrate_traffic_agreement_difference_sum',
  differenceSquares: 'titrate_traffic_agreement_difference_squares_sum',
} as const;

/** The labels of `solubility-42/v3`. */
export function labelsOf(versionId: string): { model: string; version: string } {
  const at = versionId.lastIndexOf('/');
  return { model: versionId.slice(0, at), version: versionId.slice(at + 1) };
}
