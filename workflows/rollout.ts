import { getExternalWorkflowHandle, isCancellation } from '@temporalio/workflow';
import {
  operationId,
  type CampaignConfig,
  type GateVerdict,
  type ModelVersion,
  type RoundSummary,
} from '../src/contracts';
import { deploy } from './activities';
import { deploymentFinished } from './messages';
import { rootCause } from './support';
import { track } from './tracking';

export interface RolloutInput {
  readonly campaignId: string;
  readonly round: number;
  readonly version: ModelVersion;
  readonly limits: CampaignConfig['rollout'];
  /** Told how it ended, when it is still there to be told. */
  readonly notify: string | null;
}

export type RolloutOutput = NonNullable<RoundSummary['deployment']>;

/** Judges a model version and brings it to the inference server if every gate lets it pass. It never holds up a round. */
export async function rollout(input: RolloutInput): Promise<RolloutOutput> {
  const deployment = await judgeAndDeploy(input);
  const { campaignId, round, notify } = input;
  await deploy.recordDeployment({ campaignId, round, deployment });
  await track(campaignId);
  if (notify) {
    try {
      await getExternalWorkflowHandle(notify).signal(deploymentFinished, { round, deployment });
    } catch (error) {
      if (isCancellation(error)) throw error;
      // The campaign has ended: its log has the deployment all the same.
    }
  }
  return deployment;
}

async function judgeAndDeploy(input: RolloutInput): Promise<RolloutOutput> {
  const { campaignId, round, version, limits } = input;
  let gates: readonly GateVerdict[] = [];
  try {
    gates = await deploy.judgeCandidate.executeWithOptions({ summary: `gates for ${version.id}` }, [
      { campaignId, version, limits },
    ]);
    const failed = gates.filter((gate) => !gate.passed);
    if (failed.length) {
      return {
        status: 'held',
        gates,
        message: `held back by ${failed.map((gate) => `${gate.gate} (${gate.evidence})`).join('; ')}`,
      };
    }
    const deployment = await deploy.deployModel.executeWithOptions({ summary: `deploy ${version.id}` }, [
      {
        campaignId,
        version,
        operationId: operationId(campaignId, round, 'deploy'),
        reason: `round ${round}: passed ${gates.length} gates`,
      },
    ]);
    return {
      status: deployment.status === 'ready' ? 'deployed' : deployment.status,
      gates,
      message: deployment.message,
    };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { status: 'failed', gates, message: rootCause(error).message };
  }
}
