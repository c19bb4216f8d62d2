import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { TitrateError } from '../src/contracts';

/**
 * The version under which a worker polls, as the Temporal Worker Controller and infra/kubernetes/worker-version.cjs name it. A
 * workflow stays with the version it began with (pinned); `continueAsNew` may take it to the current one. Without the variables a
 * worker is not versioned and takes everything.
 * @throws TitrateError config-invalid when one of the two is missing
 */
export function workerDeployment(
  env: Readonly<Record<string, string | undefined>>,
): WorkerDeploymentOptions | undefined {
  const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: buildId } = env;
  if (!deploymentName && !buildId) return undefined;
  if (!deploymentName || !buildId) {
    throw new TitrateError('config-invalid', {
      what: `${deploymentName ? 'TEMPORAL_WORKER_BUILD_ID' : 'TEMPORAL_DEPLOYMENT_NAME'} is missing`,
      where: 'environment of the worker',
      remedy: 'Set both to run a version of the workers beside others, or none',
    });
  }
  return {
    version: { deploymentName, buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  };
}
