import { setTimeout as sleep } from 'node:timers/promises';
import type { CoreV1Event, KubeConfig, KubernetesObject } from '@kubernetes/client-node';
import { TitrateError } from '../../contracts';
import { asKubernetesError, isGone, isPassing, outageOf } from './failures';
import { FIELD_MANAGER } from './names';
import { ROUTE_API } from './routes';
import { startWatch, type ClusterWatch } from './watch';

export interface ClusterConnection {
  /** Path; left out: KUBECONFIG, `~/.kube/config`, or the account of the pod this runs in. */
  readonly kubeconfig?: string;
  /** Left out: the current one. */
  readonly context?: string;
  readonly namespace: string;
  /** How long an API server that cannot be reached is asked again, milliseconds. Default 60,000. */
  readonly retryMs?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Told once for each outage. */
  readonly onProgress?: (message: string) => void;
}

/** Names an object: kind, API version, name. The namespace is the cluster's. */
export type ObjectName = Pick<KubernetesObject, 'apiVersion' | 'kind'> & { readonly name: string };

/** One namespace of a cluster. Every call outlives an API server that is away for a while. */
export interface Cluster {
  readonly namespace: string;
  /**
   * Server-side apply, never by force.
   * @throws the API server's answer: `fieldConflict` and `isStale` tell what stands in the way
   */
  apply<T extends KubernetesObject>(object: T, how?: CallOptions & { dryRun?: boolean }): Promise<T>;
  read<T extends KubernetesObject>(name: ObjectName, how?: CallOptions): Promise<T | null>;
  /** Sets a Deployment's replicas as an autoscaler does: nobody owns the number by it. */
  scale(name: string, replicas: number, how?: CallOptions): Promise<void>;
  /** @param of deletes this very object only, in the state in which it was read. @returns whether there was one */
  remove(name: ObjectName, of?: KubernetesObject, how?: CallOptions): Promise<boolean>;
  list<T extends KubernetesObject>(
    apiVersion: string,
    kind: string,
    selector: string,
    how?: CallOptions,
  ): Promise<T[]>;
  warnings(pod: string, how?: CallOptions): Promise<CoreV1Event[]>;
  /** Whether the cluster knows HTTPRoutes of the Gateway API. */
  hasRoutes(how?: CallOptions): Promise<boolean>;
  /** Tells whenever a Deployment or a pod of the selector changes. */
  watch(selector: string): ClusterWatch;
}

/** Waits between two tries, milliseconds. */
const RETRY_WAITS_MS = [100, 250, 500, 1000, 2000] as const;

/** Connects on the first call. The client library is loaded then, too. */
export function openCluster(connection: ClusterConnection): Cluster {
  const { namespace, retryMs = 60_000 } = connection;
  let opened: Promise<Awaited<ReturnType<typeof open>>> | undefined;
  const client = () => (opened ??= open(connection));
  const named = ({ apiVersion, kind, name }: ObjectName) => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
  });

  async function call<T>(doing: string, work: () => Promise<T>, how: CallOptions = {}): Promise<T> {
    const started = performance.now();
    for (let tries = 0; ; tries += 1) {
      how.signal?.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (performance.now() - started >= retryMs) throw asKubernetesError(error, doing);
        if (tries === 0) how.onProgress?.(`${doing}: ${outageOf(error)}; it is asked again`);
        await sleep(RETRY_WAITS_MS[Math.min(tries, RETRY_WAITS_MS.length - 1)], undefined, {
          signal: how.signal,
        });
      }
    }
  }

  return {
    namespace,

    apply: (object, how) =>
      call(
        `${object.kind} ${object.metadata?.name}`,
        async () => {
          const { objects, ServerSideApply } = await client();
          return objects.patch(
            object,
            undefined,
            how?.dryRun ? 'All' : undefined,
            FIELD_MANAGER,
            false,
            ServerSideApply,
          );
        },
        how,
      ),

    read: <T extends KubernetesObject>(name: ObjectName, how?: CallOptions) =>
      call(
        `${name.kind} ${name.name}`,
        async () => {
          try {
            return (await (await client()).objects.read(named(name))) as T;
          } catch (error) {
            if (isGone(error)) return null;
            throw error;
          }
        },
        how,
      ),

    scale: (name, replicas, how) =>
      call(
        `Deployment ${name}`,
        async () => {
          const { objects, MergePatch } = await client();
          const body = {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata: { name, namespace },
            spec: { replicas },
          };
          await objects.patch(
            body as KubernetesObject,
            undefined,
            undefined,
            `${FIELD_MANAGER}-scale`,
            undefined,
            MergePatch,
          );
        },
        how,
      ),

    remove: (name, of, how) =>
      call(
        `${name.kind} ${name.name}`,
        async () => {
          const preconditions = of && {
            uid: of.metadata?.uid,
            resourceVersion: of.metadata?.resourceVersion,
          };
          try {
            const { objects } = await client();
            await objects.delete(named(name), undefined, undefined, undefined, undefined, 'Background', {
              preconditions,
            });
            return true;
          } catch (error) {
            if (isGone(error)) return false;
            throw error;
          }
        },
        how,
      ),

    list: <T extends KubernetesObject>(
      apiVersion: string,
      kind: string,
      selector: string,
      how?: CallOptions,
    ) =>
      call(
        `${kind}s of ${selector}`,
        async () => {
          const { objects } = await client();
          const none = undefined;
          const answer = await objects.list(apiVersion, kind, namespace, none, none, none, none, selector);
          return answer.items as T[];
        },
        how,
      ),

    warnings: (pod, how) =>
      call(
        `events of ${pod}`,
        async () => {
          const { core } = await client();
          const fieldSelector = `involvedObject.kind=Pod,involvedObject.name=${pod},type=Warning`;
          return (await core.listNamespacedEvent({ namespace, fieldSelector, limit: 50 })).items;
        },
        how,
      ),

    hasRoutes: (how) =>
      call(
        'API groups',
        async () => {
          const { groups } = await (await client()).apis.getAPIVersions();
          const version = ROUTE_API.split('/')[1];
          const gateway = groups.find(({ name }) => name === ROUTE_API.split('/')[0]);
          return gateway?.versions.some((served) => served.version === version) ?? false;
        },
        how,
      ),

    watch: (selector) =>
      startWatch(
        client().then(({ config }) => config),
        namespace,
        selector,
      ),
  };
}

async function open({ kubeconfig, context }: ClusterConnection) {
  const k8s = await import('@kubernetes/client-node');
  const config = new k8s.KubeConfig();
  try {
    if (kubeconfig) config.loadFromFile(kubeconfig);
    else config.loadFromDefault();
    if (context) {
      if (!config.getContextObject(context)) throw new Error(`no context '${context}'`);
      config.setCurrentContext(context);
    }
    if (!config.getCurrentCluster()) throw new Error('it names no cluster');
  } catch (cause) {
    throw new TitrateError(
      'config-invalid',
      {
        what: `the kubeconfig cannot be used: ${(cause as Error).message}`,
        where: kubeconfig ?? 'KUBECONFIG',
        remedy: 'Set kubernetes.kubeconfig and kubernetes.context in the settings',
      },
      { cause },
    );
  }
  return {
    config: config as KubeConfig,
    objects: k8s.KubernetesObjectApi.makeApiClient(config),
    core: config.makeApiClient(k8s.CoreV1Api),
    apis: config.makeApiClient(k8s.ApisApi),
    ServerSideApply: k8s.PatchStrategy.ServerSideApply,
    MergePatch: k8s.PatchStrategy.MergePatch,
  };
}
