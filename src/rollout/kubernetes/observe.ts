import type { KubernetesObject, V1Deployment, V1Pod } from '@kubernetes/client-node';
import type { Observation } from '../deployer';
import { parseTrial, trialPointer } from '../pointer-names';
import type { PointerLog } from '../../objects/pointers';
import type { CallOptions, Cluster } from './cluster';
import { currentPods, diagnose, isPodReady, modelOf, type Standing } from './diagnosis';
import { gatewayHostname, type HttpRoute } from './routes';
import { ROUTE_KIND } from './desired';
import { ANNOTATIONS, campaignKey, campaignSelector, LABELS, slotName, type Slot } from './names';
import { INFERENCE_PORT, type InferenceOptions } from './options';

/** What a look at the cluster found. */
export interface Look {
  readonly deployment: (slot: Slot) => V1Deployment | null;
  readonly pods: readonly V1Pod[];
  readonly standing: (slot: Slot) => Promise<Standing | null>;
}

export async function look(campaignId: string, cluster: Cluster, how: CallOptions = {}): Promise<Look> {
  const selector = campaignSelector(campaignId);
  const [deployments, pods] = await Promise.all([
    cluster.list<V1Deployment>('apps/v1', 'Deployment', selector, how),
    cluster.list<V1Pod>('v1', 'Pod', selector, how),
  ]);
  const deployment = (slot: Slot) =>
    deployments.find(
      ({ metadata }) => metadata?.name === slotName(campaignId, slot) && !metadata.deletionTimestamp,
    ) ?? null;
  return {
    deployment,
    pods,
    async standing(slot) {
      const found = deployment(slot);
      if (!found) return null;
      const silent = currentPods(found, pods).find(
        (pod) => pod.status?.phase === 'Running' && !isPodReady(pod),
      );
      const warnings = silent ? await cluster.warnings(silent.metadata!.name!, how) : [];
      return diagnose(found, pods, warnings);
    },
  };
}

/** Where a campaign's models answer. */
export const endpointOf = (campaignId: string, options: InferenceOptions) =>
  options.gateway
    ? `http://${gatewayHostname(campaignId, options)}`
    : `http://${campaignKey(campaignId)}.${options.namespace}.svc:${INFERENCE_PORT}`;

/** The share of requests that the candidate gets as things are, percent. */
export async function realShare(
  campaignId: string,
  { deployment, pods }: Look,
  cluster: Cluster,
  options: InferenceOptions,
  how: CallOptions = {},
): Promise<number> {
  if (options.gateway) {
    const route = await cluster.read<HttpRoute & KubernetesObject>(
      { ...ROUTE_KIND, name: campaignKey(campaignId) },
      how,
    );
    const rule = route?.spec.rules[0];
    const mirrored = rule?.filters?.[0]?.requestMirror;
    if (mirrored) return mirrored.percent ?? 100;
    return rule?.backendRefs.find(({ name }) => name === slotName(campaignId, 'candidate'))?.weight ?? 0;
  }
  // As a Service counts: whichever pod is ready, also of the version before.
  const ready = (slot: Slot) =>
    pods.filter(
      (pod) =>
        isPodReady(pod) &&
        Object.entries(deployment(slot)?.spec?.selector.matchLabels ?? { none: '' }).every(
          ([key, value]) => pod.metadata?.labels?.[key] === value,
        ),
    ).length;
  const [stable, candidate] = [ready('stable'), ready('candidate')];
  return candidate === 0 ? 0 : (100 * candidate) / (candidate + stable);
}

export async function observe(
  campaignId: string,
  cluster: Cluster,
  pointers: PointerLog,
  options: InferenceOptions,
): Promise<Observation> {
  const seen = await look(campaignId, cluster);
  const endpoint = endpointOf(campaignId, options);
  const [standing, trialStanding, trialEntry] = [
    await seen.standing('stable'),
    await seen.standing('candidate'),
    await pointers.head(trialPointer(campaignId)),
  ];
  const trial = trialEntry && parseTrial(trialEntry.target);
  const version = modelOf(seen.deployment('candidate'));
  const candidate =
    version && trial
      ? {
          version,
          mode: trial.mode,
          share: await realShare(campaignId, seen, cluster, options),
          ready: trialStanding?.kind === 'ready',
          message: trialStanding?.kind === 'ready' ? `${version} is ready` : (trialStanding?.message ?? ''),
        }
      : null;
  if (!standing) {
    const message = `there is no Deployment ${slotName(campaignId, 'stable')} in namespace ${options.namespace}`;
    return { version: null, status: 'failed', endpoint, message, candidate };
  }
  const stable = modelOf(seen.deployment('stable'));
  if (standing.kind === 'ready') {
    const message = `${endpoint} answers with ${stable}`;
    return { version: stable, status: 'ready', endpoint, message, candidate };
  }
  // While servers are replaced those of the version before go on answering.
  const answering = seen.pods
    .filter((pod) => pod.metadata?.labels?.[LABELS.slot] === 'stable' && isPodReady(pod))
    .map((pod) => pod.metadata?.annotations?.[ANNOTATIONS.model] ?? null);
  return {
    version: answering.includes(stable) ? stable : (answering[0] ?? null),
    status: 'failed',
    endpoint,
    message: `${stable} is not ready: ${standing.message}`,
    candidate,
  };
}
