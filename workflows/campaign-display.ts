import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { logbook, statusOf, type CampaignState } from '../src/campaign';
import type { SearchAttributeName } from '../src/contracts';

const key = <T extends SearchAttributeType>(name: SearchAttributeName, type: T) =>
  defineSearchAttributeKey(name, type);
const CampaignId = key('CampaignId', SearchAttributeType.KEYWORD);
const CampaignStage = key('CampaignStage', SearchAttributeType.KEYWORD);
const CampaignRound = key('CampaignRound', SearchAttributeType.INT);
const ModelVersion = key('ModelVersion', SearchAttributeType.KEYWORD);
const BestValue = key('BestValue', SearchAttributeType.DOUBLE);

/** Search attributes and details, so that a list of campaigns and a campaign's page read like a logbook. */
export function showInWebUi(state: CampaignState): void {
  const shown = workflowInfo().typedSearchAttributes;
  const { stage, round, modelVersion, best } = statusOf(state);
  const changed = [
    shown.get(CampaignId) !== state.campaignId && { key: CampaignId, value: state.campaignId },
    shown.get(CampaignStage) !== stage && { key: CampaignStage, value: stage },
    shown.get(CampaignRound) !== round && { key: CampaignRound, value: round },
    modelVersion !== null &&
      shown.get(ModelVersion) !== modelVersion && { key: ModelVersion, value: modelVersion },
    best !== null && shown.get(BestValue) !== best && { key: BestValue, value: best },
  ].filter((pair) => pair !== false);
  if (changed.length) upsertSearchAttributes(changed);
  setCurrentDetails(logbook(state));
}
