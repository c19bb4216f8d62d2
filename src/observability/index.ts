export { createMetrics, type Metrics } from './metrics/metrics';
export { COST_KINDS, DRIFT_VERDICT_VALUES } from './metrics/decisions';
export { observeProcess } from './metrics/process';
export { openMetricsEndpoint, type MetricsEndpoint, type MetricsEndpointOptions } from './endpoint/endpoint';
export { SharedCpu, type AtWork } from './activities/shared-cpu';
export { CampaignSeries } from './campaigns/series';
export {
  watchCampaigns,
  type CampaignWatch,
  type CampaignWatchOptions,
  type OpenCampaign,
} from './campaigns/watch';
