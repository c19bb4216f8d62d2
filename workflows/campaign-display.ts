import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import type { Duration } from '@temporalio/common';
import { msToNumber } from '@temporalio/common/lib/time';
import {
  patched,
  setCurrentDetails,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { logbook, progressOf, statusOf, type CampaignState } from '../src/campaign';
import { EXPECTED_AFTER, PROGRESS_MEMO, type SearchAttributeName } from '../src/contracts';

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
  showProgress(state);
}

/** How the campaign stands, in a memo: whoever watches many campaigns reads it from their list. */
function showProgress(state: CampaignState): void {
  const { closeAfter, expectedAfter = EXPECTED_AFTER } = state.config.lab;
  const progress = progressOf(state, {
    closeAfter: msToNumber(closeAfter as Duration),
    expectedAfter: msToNumber(expectedAfter as Duration),
  });
  const shown = workflowInfo().memo?.[PROGRESS_MEMO];
  if (JSON.stringify(shown) === JSON.stringify(progress)) return;
  if (patched('progress-memo')) upsertMemo({ [PROGRESS_MEMO]: progress });
}
