import { ApplicationFailure, patched, workflowInfo } from '@temporalio/workflow';
import { initialState, type CampaignState } from '../src/campaign';
import {
  asTitrateError,
  CAMPAIGN_ID_PATTERN,
  COLD_START,
  FIRST_FEATURIZERS,
  FIRST_STANDARDISATION,
  campaignConfigSchema,
  parseWith,
  type CampaignConfig,
  type CampaignConfigInput,
} from '../src/contracts';

/** A campaign is started with its configuration, and carries its state from one execution to the next. */
export type CampaignInput = CampaignConfigInput | { readonly resume: CampaignState };

/** How campaigns chose their batches before there was more than that to choose from. */
const FIRST_BATCHES = { strategy: 'ei', batching: 'top', first: 'random' } as const;

/** A campaign that was started before something could be chosen goes on with what there was, also when its start is replayed. */
function asStarted(parsed: CampaignConfig, input: CampaignConfigInput): CampaignConfig {
  let config = parsed;
  if (input.pool.standardisation === undefined && !patched('rule-set'))
    config = { ...config, pool: { ...config.pool, standardisation: FIRST_STANDARDISATION } };
  if (input.exploration?.warmStart === undefined && !patched('warm-start'))
    config = { ...config, exploration: { ...config.exploration, warmStart: COLD_START } };
  if (input.drift === undefined && !patched('drift-watch'))
    config = { ...config, drift: { ...config.drift, enabled: false } };
  const { acquisition } = input;
  const open =
    input.featurizers === undefined ||
    acquisition?.strategy === undefined ||
    acquisition.batching === undefined ||
    acquisition.first === undefined;
  if (open && !patched('auto-batch')) {
    config = {
      ...config,
      featurizers: input.featurizers ? config.featurizers : FIRST_FEATURIZERS,
      acquisition: {
        ...config.acquisition,
        strategy: acquisition?.strategy ?? FIRST_BATCHES.strategy,
        batching: acquisition?.batching ?? FIRST_BATCHES.batching,
        first: acquisition?.first ?? FIRST_BATCHES.first,
      },
    };
  }
  return config;
}

/**
 * The state that an execution begins with.
 * @throws ApplicationFailure config-invalid, naming every problem: a campaign whose configuration is wrong ends at once.
 */
export function openState(input: CampaignInput): CampaignState {
  if (input && typeof input === 'object' && 'resume' in input) return input.resume;
  const { workflowId } = workflowInfo();
  try {
    const parsed = parseWith(campaignConfigSchema, input, 'campaign configuration');
    const config = asStarted(parsed, input);
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
