import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { initialState, type CampaignState } from '../src/campaign';
import {
  asTitrateError,
  CAMPAIGN_ID_PATTERN,
  campaignConfigSchema,
  parseWith,
  type CampaignConfigInput,
} from '../src/contracts';

/** A campaign is started with its configuration, and carries its state from one execution to the next. */
export type CampaignInput = CampaignConfigInput | { readonly resume: CampaignState };

/**
 * The state that an execution begins with.
 * @throws ApplicationFailure config-invalid, naming every problem: a campaign whose configuration is wrong ends at once.
 */
export function openState(input: CampaignInput): CampaignState {
  if (input && typeof input === 'object' && 'resume' in input) return input.resume;
  const { workflowId } = workflowInfo();
  try {
    const config = parseWith(campaignConfigSchema, input, 'campaign configuration');
    if (!CAMPAIGN_ID_PATTERN.test(workflowId)) {
      throw new Error(
        `the workflow id '${workflowId}' cannot be a campaign id: use letters, digits, '.', '_' and '-', at most 100, starting with a letter or digit`,
      );
    }
    if (config.campaignId !== undefined && config.campaignId !== workflowId) {
      throw new Error(
        `campaignId is '${config.campaignId}' but the workflow id is '${workflowId}': leave campaignId out or make them equal`,
      );
    }
    return initialState(workflowId, config);
  } catch (error) {
    const { message } = asTitrateError(error);
    throw ApplicationFailure.nonRetryable(message, 'config-invalid');
  }
}
