export * from './registry';
export { createCampaignLog } from './campaign-log';
export type { CampaignEnd, CampaignHeader, CampaignLog } from './campaign-log';
export { createModelRegistry, type ModelRegistryOptions } from './model-registry';
export { parseModelName, type ModelName } from './model-name';
