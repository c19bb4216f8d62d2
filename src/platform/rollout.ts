import { createLocalDeployer, type Deployer, type LocalDeployerOptions } from '../rollout';
import { createKubernetesDeployer, openCluster, type KubernetesDeployer } from '../rollout/kubernetes';
import { internalHeaders } from './internal-key';
import { processEnvironment } from './process-environment';
import type { Settings } from './settings';

type Records = Pick<LocalDeployerOptions, 'pointers' | 'registry'>;

const MINUTE_MS = 60_000;

/**
 * Where models are served, as the settings have it.
 * @param patience how long a server of this machine may take to appear; see LocalDeployerOptions
 */
export function openDeployer(
  settings: Settings,
  records: Records,
  patience: Pick<LocalDeployerOptions, 'connectMs'> = {},
): Deployer {
  if (settings.rollout.engine === 'kubernetes') return openKubernetesDeployer(settings, records);
  const { host, port } = settings.inference;
  const headers = internalHeaders(settings);
  return createLocalDeployer({ ...records, ...patience, headers, endpoint: `http://${host}:${port}` });
}

/** Nothing is connected before the first call. */
export function openKubernetesDeployer(settings: Settings, records: Records): KubernetesDeployer {
  const { kubernetes } = settings;
  const { namespace, kubeconfig, context } = kubernetes;
  return createKubernetesDeployer({
    ...records,
    cluster: openCluster({ namespace, kubeconfig, context }),
    deadlineMs: kubernetes.deadlineMinutes * MINUTE_MS,
    inference: {
      namespace,
      image: kubernetes.image!,
      serviceAccount: kubernetes.serviceAccount,
      secret: kubernetes.secret,
      env: serverEnvironment(settings),
      replicas: { min: kubernetes.minReplicas, max: kubernetes.maxReplicas },
      cpu: kubernetes.cpu,
      memory: kubernetes.memory,
      targetCpuPercent: kubernetes.targetCpuPercent,
      queueMetric: kubernetes.queueMetric,
      queueTarget: kubernetes.queueTarget,
      gateway: kubernetes.gateway ?? null,
    },
  });
}

/** The variables by which a server in the cluster opens this installation's object store, and knows its callers. */
function serverEnvironment(settings: Settings): Record<string, string> {
  const { mode, issuer, audience, scopeClaim, metrics } = settings.inference.auth;
  return processEnvironment(settings, [
    [['inference', 'auth', 'mode'], mode],
    [['inference', 'auth', 'issuer'], issuer],
    [['inference', 'auth', 'audience'], audience],
    [['inference', 'auth', 'scopeClaim'], scopeClaim],
    [['inference', 'auth', 'metrics'], metrics],
    [['learning', 'backend'], settings.learning.backend],
  ]);
}
