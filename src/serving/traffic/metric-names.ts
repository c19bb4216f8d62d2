import { versionParts } from '../../contracts';

/** Names of what is counted by model version; evidence reads them again. Labels: model (the campaign) and version (`v3`). */
export const TRAFFIC_METRICS = {
  /** With the label `outcome`: ok, refused (4xx), error (5xx, or its process did not answer). */
  requests: 'titrate_traffic_requests_total',
  latency: 'titrate_traffic_request_duration_seconds',
  /** With the label `outcome`: predicted, rejected. */
  molecules: 'titrate_traffic_molecules_total',
  predictionSum: 'titrate_traffic_prediction_sum',
  predictionSquares: 'titrate_traffic_prediction_squares_sum',
  /** Of a candidate in shadow, against the version that answered. */
  pairs: 'titrate_traffic_agreement_pairs_total',
  differenceSum: 'titrate_traffic_agreement_difference_sum',
  differenceSquares: 'titrate_traffic_agreement_difference_squares_sum',
  skipped: 'titrate_traffic_shadow_skipped_total',
  fallbacks: 'titrate_traffic_fallbacks_total',
} as const;

/** The labels of `solubility-42/v3`. */
export function labelsOf(versionId: string): { model: string; version: string } {
  const { campaignId, version } = versionParts(versionId);
  return { model: campaignId, version };
}
