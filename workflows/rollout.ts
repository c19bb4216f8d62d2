import { getExternalWorkflowHandle, isCancellation, patched } from '@temporalio/workflow';
import { operationId, type GateVerdict } from '../src/contracts';
import { deploy } from './activities';
import { deploymentFinished } from './messages';
import { goOn, rootCause } from './support';
import { track } from './tracking';
import type { RolloutInput, RolloutOutput } from './rollout-input';
import { RolloutOnTrial } from './rollout-trial';

export type { RolloutInput, RolloutOutput };

/**
 * Judges a model version, tries it beside the one that serves if every gate lets it pass, and promotes it or takes it back. It
 * never holds up a round.
 */
export async function rollout(input: RolloutInput): Promise<RolloutOutput> {
  const deployment = patched('rollout-on-trial') ? await onTrial(input) : await judgeAndDeploy(input);
  const { campaignId, round, notify } = input;
  if (input.asked) return deployment;
  if (input.answering !== undefined) {
    await track(campaignId);
    return deployment;
  }
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

async function onTrial(input: RolloutInput): Promise<RolloutOutput> {
  const ended = await new RolloutOnTrial(input).run();
  if ('deployment' in ended) return ended.deployment;
  return goOn<typeof rollout>({ ...input, progress: ended.progress });
}

/** Rollouts that began before there were trials. */
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
