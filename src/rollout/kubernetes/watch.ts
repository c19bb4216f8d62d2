import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig, KubernetesListObject, KubernetesObject } from '@kubernetes/client-node';

/**
 * Wakes whoever waits for a change. It says that something changed, not what: whoever is woken looks at the cluster itself, so
 * that an event which is lost costs time and never truth.
 */
export interface ClusterWatch {
  /** Resolves at the next change since the last call, or after `timeoutMs`. @throws the signal's reason */
  next(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** Wait before a watch that broke is begun again, milliseconds. */
const RESTART_MS = 250;
/** Changes come in bursts; one look is enough for one, milliseconds. */
const SETTLE_MS = 30;

/**
 * Watches Deployments and pods. A watch that ends is resumed where it was; one that is too old (410) begins with a list; one
 * that breaks, as when the API server is restarted, is begun again until it works.
 */
export function startWatch(opening: Promise<KubeConfig>, namespace: string, selector: string): ClusterWatch {
  const wake = new AbortController();
  let changed = false;
  let waiting: (() => void) | null = null;
  const timers = new Set<NodeJS.Timeout>();
  const stops: (() => void)[] = [];
  const notify = () => {
    changed = true;
    waiting?.();
  };

  async function begin(): Promise<void> {
    const { ListWatch, Watch, AppsV1Api, CoreV1Api } = await import('@kubernetes/client-node');
    const config = await opening;
    const [apps, core] = [config.makeApiClient(AppsV1Api), config.makeApiClient(CoreV1Api)];
    const query = { namespace, labelSelector: selector };
    const follow = <T extends KubernetesObject>(
      path: string,
      list: () => Promise<KubernetesListObject<T>>,
    ) => {
      const informer = new ListWatch<T>(path, new Watch(config), list, false, selector);
      const start = () => {
        if (wake.signal.aborted) return;
        informer.start().catch(again);
      };
      const again = () => {
        if (wake.signal.aborted) return;
        // What happened meanwhile is not known.
        notify();
        const timer = setTimeout(() => {
          timers.delete(timer);
          start();
        }, RESTART_MS);
        timers.add(timer);
      };
      informer.on('change', notify);
      informer.on('error', again);
      stops.push(() => void informer.stop());
      start();
    };
    if (wake.signal.aborted) return;
    follow(`/apis/apps/v1/namespaces/${namespace}/deployments`, () => apps.listNamespacedDeployment(query));
    follow(`/api/v1/namespaces/${namespace}/pods`, () => core.listNamespacedPod(query));
  }
  // Who cannot connect learns it from the first call on the cluster; this only wakes.
  begin().catch(notify);

  return {
    async next(timeoutMs, signal) {
      signal?.throwIfAborted();
      if (!changed) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          timers.add(timer);
          signal?.addEventListener('abort', () => resolve(), { once: true });
          waiting = resolve;
        });
        waiting = null;
      }
      if (changed) await sleep(SETTLE_MS, undefined, { signal });
      signal?.throwIfAborted();
      changed = false;
    },
    close() {
      wake.abort();
      for (const timer of timers) clearTimeout(timer);
      for (const stop of stops) stop();
    },
  };
}
