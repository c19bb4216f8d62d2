import { versionParts } from '../../contracts';

/**
 * Names of what is counted by model version; evidence reads them again. Labels: model (the campaign) and version (`v3`). Values may be
 * negative, and a sum of them could not be told from a counter that began anew: what is below zero is counted by its size, with the
 * label `sign`: positive, negative.
 */
export const TRAFFIC_METRICS = {
  /** With the label `outcome`: ok, refused (4xx), error (5xx, or its process did not answer). */
  requests: 'titrate_traffic_requests_total',
  latency: 'titrate_traffic_request_duration_seconds',
  /** With the label `outcome`: predicted, rejected. */
  molecules: 'titrate_traffic_molecules_total',
  /** With the label `sign`. */
  predictionValues: 'titrate_traffic_prediction_values_total',
  predictionSquares: 'titrate_traffic_prediction_squares_total',
  /** Of a candidate in shadow, against the version that answered. */
  pairs: 'titrate_traffic_agreement_pairs_total',
  /** With the label `sign`. */
  differences: 'titrate_traffic_agreement_differences_total',
  differenceSquares: 'titrate_traffic_agreement_difference_squares_total',
  skipped: 'titrate_traffic_shadow_skipped_total',
  fallbacks: 'titrate_traffic_fallbacks_total',
} as const;

/** The labels of `solubility-42/v3`. */
export function labelsOf(versionId: string): { model: string; version: string } {
  const { campaignId, version } = versionParts(versionId);
  return { model: campaignId, version };
}
