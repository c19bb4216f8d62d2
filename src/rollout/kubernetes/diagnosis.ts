import type { CoreV1Event, V1ContainerStatus, V1Deployment, V1Pod } from '@kubernetes/client-node';
import { ANNOTATIONS, LABELS } from './names';

export type Standing =
  | { readonly kind: 'ready' }
  /** It may get there. `message` says what it waits for. */
  | { readonly kind: 'waiting'; readonly message: string }
  /** It will not get there unless something changes; `final` where nothing can change by itself. */
  | { readonly kind: 'stuck'; readonly message: string; readonly final: boolean };

/** Restarts after which a server that ends again and again is taken at its word. */
const CRASHES = 3;
const IMAGE = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'RegistryUnavailable']);
const CONFIG = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** Pods of what the Deployment asks for now: those of an earlier version are on their way out. */
export function currentPods(deployment: V1Deployment, pods: readonly V1Pod[]): V1Pod[] {
  const template = deployment.spec?.template;
  const model = template?.metadata?.annotations?.[ANNOTATIONS.model];
  const image = template?.spec?.containers[0]?.image;
  const labels = Object.entries(deployment.spec?.selector.matchLabels ?? {});
  return pods.filter(
    ({ metadata, spec }) =>
      !metadata?.deletionTimestamp &&
      labels.every(([key, value]) => metadata?.labels?.[key] === value) &&
      metadata?.annotations?.[ANNOTATIONS.model] === model &&
      spec?.containers[0]?.image === image,
  );
}

export const isPodReady = ({ metadata, status }: V1Pod) =>
  !metadata?.deletionTimestamp &&
  (status?.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True');

/** Whether every replica is of what is asked for now, and available, and no other one is left. */
export function isRolledOut({ metadata, spec, status }: V1Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  // A candidate may be kept at a share of nothing; a stable version without a server serves nobody.
  const enough = wanted > 0 || metadata?.labels?.[LABELS.slot] === 'candidate';
  return (
    (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0) &&
    enough &&
    (status?.updatedReplicas ?? 0) === wanted &&
    (status?.availableReplicas ?? 0) === wanted &&
    (status?.replicas ?? 0) === wanted
  );
}

/** The version id that a Deployment's servers are started with. */
export const modelOf = (deployment: V1Deployment | null) =>
  deployment?.spec?.template.metadata?.annotations?.[ANNOTATIONS.model] ?? null;

/**
 * How a Deployment stands, and why it stands still, in plain words.
 * @param pods those of the campaign, of any slot and version
 * @param warnings events of pods that run and are not ready
 */
export function diagnose(
  deployment: V1Deployment,
  pods: readonly V1Pod[],
  warnings: readonly CoreV1Event[] = [],
): Standing {
  if (isRolledOut(deployment)) return { kind: 'ready' };
  const { spec, status, metadata } = deployment;
  const name = metadata?.name ?? 'the Deployment';
  const current = currentPods(deployment, pods);
  const stuck = (message: string, final: boolean): Standing => ({ kind: 'stuck', message, final });
  const condition = (type: string) => status?.conditions?.find((candidate) => candidate.type === type);

  for (const pod of current) {
    const trouble = podTrouble(pod);
    if (trouble) return stuck(trouble.message, trouble.final);
  }
  const failure = condition('ReplicaFailure');
  const overdue = condition('Progressing')?.reason === 'ProgressDeadlineExceeded';
  const waiting = (message: string): Standing =>
    overdue
      ? stuck(`${message} (Kubernetes gave up after ${spec?.progressDeadlineSeconds} s)`, true)
      : { kind: 'waiting', message };
  if (failure?.status === 'True') {
    const what = failure.message ?? failure.reason ?? 'no reason given';
    return waiting(
      /exceeded quota/.test(what)
        ? `the namespace's quota does not allow another pod: ${what}`
        : `a pod of ${name} cannot be created: ${what}`,
    );
  }
  for (const pod of current) {
    const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable')
      return waiting(`no node can take pod ${pod.metadata?.name}: ${scheduled.message ?? 'no reason given'}`);
  }
  const unready = current.filter((pod) => !isPodReady(pod) && pod.status?.phase === 'Running');
  const probe = warnings.filter(({ reason }) => reason === 'Unhealthy').at(-1);
  if (unready.length && probe) {
    return waiting(
      `pod ${unready[0]!.metadata?.name} runs and does not answer as it should: ${probe.message ?? 'its probe fails'}`,
    );
  }
  const ready = current.filter(isPodReady).length;
  return waiting(`${ready} of ${spec?.replicas ?? 1} servers of ${name} are ready`);
}

function podTrouble({ metadata, status }: V1Pod): { message: string; final: boolean } | null {
  const name = metadata?.name;
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const container of containers) {
    const waiting = container.state?.waiting;
    const reason = waiting?.reason ?? '';
    const said = waiting?.message ? `: ${waiting.message}` : '';
    if (reason === 'InvalidImageName')
      return { message: `'${container.image}' is no name of an image${said}`, final: true };
    if (IMAGE.has(reason)) {
      return {
        message: `image ${container.image} cannot be pulled (${reason})${said}`,
        final: false,
      };
    }
    if (CONFIG.has(reason))
      return { message: `pod ${name} cannot be started (${reason})${said}`, final: false };
    if (reason === 'CrashLoopBackOff') {
      const message = `the server in pod ${name} ends again and again (${container.restartCount} restarts): ${lastEnd(container)}`;
      return { message, final: container.restartCount >= CRASHES };
    }
  }
  return null;
}

function lastEnd({ lastState, state }: V1ContainerStatus): string {
  const ended = lastState?.terminated ?? state?.terminated;
  if (!ended) return 'its end is not recorded';
  const why = ended.reason === 'OOMKilled' ? 'it needed more memory than kubernetes.memory' : ended.reason;
  const said = ended.message?.trim().split('\n').at(-1);
  return [`exit code ${ended.exitCode}`, why, said].filter(Boolean).join(', ');
}
