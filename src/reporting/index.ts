export { renderReport } from './page';
export * from './performance';
export type { CampaignSummary, Depict, LoadArtifact, ReportRequest, Truth } from './reporting';
export { summariseCampaign } from './summary';
