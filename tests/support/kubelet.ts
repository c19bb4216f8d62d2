import {
  CoreV1Api,
  makeInformer,
  setHeaderOptions,
  type KubeConfig,
  type V1ContainerState,
  type V1Pod,
} from '@kubernetes/client-node';

/**
 * Stands in for nodes: one that takes every pod and reports it as its image's name asks. No container runs. `bad`: the image
 * cannot be pulled. `crash`: the server ends again and again. `silent`: it runs and its probe fails. `homeless`: no node takes it.
 */
export interface Kubelet {
  /** Pods wait, not reported ready, until `release`. */
  hold(): void;
  release(): void;
  close(): void;
}

const NODE = 'node-0';
const CAPACITY = { cpu: '64', memory: '256Gi', pods: '500', 'nvidia.com/gpu': '8' };
const MERGE = setHeaderOptions('Content-Type', 'application/strategic-merge-patch+json');
const RESTART_MS = 250;

export async function startKubelet(config: KubeConfig): Promise<Kubelet> {
  const core = config.makeApiClient(CoreV1Api);
  let closed = false;
  let held = false;
  let nextIp = 1;
  const waiting = new Map<string, V1Pod>();

  await core.createNode({ body: { metadata: { name: NODE } } });
  const ready = { type: 'Ready', status: 'True', reason: 'StandIn', message: '' };
  await core.patchNodeStatus(
    { name: NODE, body: { status: { capacity: CAPACITY, allocatable: CAPACITY, conditions: [ready] } } },
    MERGE,
  );

  async function onPod(pod: V1Pod): Promise<void> {
    const { name = '', namespace = '', deletionTimestamp, uid = '' } = pod.metadata ?? {};
    const image = pod.spec!.containers[0]!.image!;
    try {
      if (deletionTimestamp) await core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
      else if (image.includes('homeless')) {
        if (!pod.status?.conditions) await report(pod, unschedulable());
      } else if (!pod.spec!.nodeName) {
        const target = { apiVersion: 'v1', kind: 'Node', name: NODE };
        await core
          .createNamespacedBinding({ namespace, body: { metadata: { name }, target } })
          .catch((error: { code?: number; message: string }) => {
            // The answer to a binding is a Status, which the client takes for a failure.
            if (error.code !== 201 && !/type/.test(error.message)) throw error;
          });
      } else if (pod.status?.phase === 'Pending' && !pod.status.containerStatuses) {
        if (held) waiting.set(uid, pod);
        else await start(pod, image);
      }
    } catch (error) {
      const { code, message } = error as { code?: number; message: string };
      // Gone, changed meanwhile, or the API server is away: it comes again with the next list.
      if (code !== undefined && ![201, 404, 409].includes(code))
        process.stderr.write(`kubelet: ${message}\n`);
    }
  }

  const report = (pod: V1Pod, status: object) =>
    core.patchNamespacedPodStatus(
      { name: pod.metadata!.name!, namespace: pod.metadata!.namespace!, body: { status } },
      MERGE,
    );
  const condition = (type: string, ok: boolean, more = {}) => ({
    type,
    status: ok ? 'True' : 'False',
    lastTransitionTime: new Date(),
    ...more,
  });
  const unschedulable = () => ({
    phase: 'Pending',
    conditions: [
      condition('PodScheduled', false, {
        reason: 'Unschedulable',
        message: '0/1 nodes are available: 1 Insufficient memory.',
      }),
    ],
  });

  async function start(pod: V1Pod, image: string): Promise<void> {
    const kind = ['bad', 'crash', 'silent'].find((word) => image.includes(word));
    const ok = kind === undefined;
    const at = new Date();
    const states: Record<string, V1ContainerState> = {
      bad: { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } },
      crash: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' } },
    };
    const terminated = { exitCode: 1, reason: 'Error', message: 'artifact-corrupt: no model' };
    const containerStatuses = pod.spec!.containers.map(({ name }) => ({
      name,
      image,
      imageID: kind === 'bad' ? '' : 'stand-in',
      ready: ok,
      started: ok,
      restartCount: kind === 'crash' ? 4 : 0,
      state: states[kind ?? ''] ?? { running: { startedAt: at } },
      ...(kind === 'crash' && { lastState: { terminated } }),
    }));
    const podIP = `10.9.${nextIp >> 8}.${nextIp++ & 255}`;
    await report(pod, {
      phase: kind === 'bad' ? 'Pending' : 'Running',
      podIP,
      startTime: at,
      containerStatuses,
      conditions: [condition('Ready', ok), condition('ContainersReady', ok), condition('PodScheduled', true)],
    });
    if (kind === 'silent') {
      const { name, namespace, uid } = pod.metadata!;
      await core.createNamespacedEvent({
        namespace: namespace!,
        body: {
          metadata: { generateName: `${name}.` },
          involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
          type: 'Warning',
          reason: 'Unhealthy',
          message: 'Startup probe failed: HTTP probe failed with statuscode: 503',
          firstTimestamp: at,
          lastTimestamp: at,
        },
      });
    }
  }

  const informer = makeInformer(config, '/api/v1/pods', () => core.listPodForAllNamespaces());
  const again = () => void (closed || setTimeout(begin, RESTART_MS));
  const begin = () => void (closed || informer.start().catch(again));
  informer.on('add', (pod) => void onPod(pod));
  informer.on('update', (pod) => void onPod(pod));
  informer.on('error', again);
  begin();

  return {
    hold() {
      held = true;
    },
    release() {
      held = false;
      for (const pod of waiting.values()) void onPod(pod);
      waiting.clear();
    },
    close() {
      closed = true;
      void informer.stop();
    },
  };
}
