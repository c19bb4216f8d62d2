/** Ids are built here and nowhere else; each reads well in the Temporal Web UI. A campaign's id is its workflow id. */
export const CAMPAIGN_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export const roundId = (campaignId: string, round: number) => `${campaignId}/round/${round}`;
export const stageId = (parent: string, stage: string) => `${parent}/${stage}`;
export const batchId = (campaignId: string, round: number) => `${campaignId}/batch/${round}`;
export const operationId = (campaignId: string, round: number, operation: string) =>
  `${campaignId}/round/${round}/${operation}`;
/** `solubility-42/v3` */
export const modelVersionId = (campaignId: string, number: number) => `${campaignId}/v${number}`;
/** Campaign and `v3` of `solubility-42/v3`: what modelVersionId put together. */
export function versionParts(id: string): { readonly campaignId: string; readonly version: string } {
  const at = id.lastIndexOf('/');
  return { campaignId: id.slice(0, at), version: id.slice(at + 1) };
}
/** Workflow that tracks a campaign; there is one at a time. */
export const trackingId = (campaignId: string) => `${campaignId}/tracking`;
/** Schedule of a campaign's drift watch, and what the ids of the watches begin with. */
export const driftWatchId = (campaignId: string) => `${campaignId}/drift`;
/** Workflow that learns anew because of an action of drift. @param action id of the action */
export const driftAnswerId = (campaignId: string, action: string) =>
  `${driftWatchId(campaignId)}/answer/${action}`;
/** Operation that an action of drift is carried out as. */
export const driftOperationId = (campaignId: string, action: string) => `${campaignId}/drift/${action}`;
/** Workflow that enters a campaign's models into a registry elsewhere; there is one at a time. */
export const modelUploadsId = (campaignId: string) => `${campaignId}/model-uploads`;
/** @param version `solubility-42/v3` */
export const uploadOperationId = (version: string) => `${version}/upload`;
/** Workflow that rolls a version out because a person asked for it; the campaign's own are children of its rounds. */
export const manualRolloutId = (version: string) => `${version}/rollout`;
