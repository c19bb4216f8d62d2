import { setTimeout as sleep } from 'node:timers/promises';
import type { PointerEntry, PointerLog } from '../objects/pointers';
import type { ModelRegistry } from '../tracking/registry';
import type { Deployer, Deployment, DeployRequest } from './deployer';
import { probeLive, probeVersion, type VersionProbe } from './inference-probe';
import { checkOwner, createLocalTrials, observeTrial, untilCancelled } from './local-trials';
import { observedPointer, servingPointer } from './pointer-names';

export interface LocalDeployerOptions {
  readonly pointers: PointerLog;
  readonly registry: ModelRegistry;
  /** Base address of the inference server, such as `http://127.0.0.1:8090`. */
  readonly endpoint: string;
  /** By which the server knows a process of its own installation. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** Longest wait for the server to answer with the new version, milliseconds. Default 60,000. */
  readonly deadlineMs?: number;
  /** Longest wait for a candidate's process, milliseconds. Default 150,000: the server itself gives up earlier, and says why. */
  readonly trialDeadlineMs?: number;
  /** How long a server that cannot be reached may take to appear, milliseconds: it may be starting. Default 10,000. */
  readonly connectMs?: number;
}

/** Wait before the second look, milliseconds; it grows by a half each time, up to the longest. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2000;

/**
 * Deploys to the inference server of this machine: appends what is desired to `serving/<campaign>`, waits until the server
 * answers with that version, and appends what was seen to `observed/<campaign>`. What is tried goes to `trial/<campaign>`.
 */
export function createLocalDeployer(options: LocalDeployerOptions): Deployer {
  const { pointers, registry, headers } = options;
  const endpoint = options.endpoint.replace(/\/+$/, '');
  const deadlineMs = options.deadlineMs ?? 60_000;
  const trialDeadlineMs = options.trialDeadlineMs ?? 150_000;
  const connectMs = Math.min(options.connectMs ?? 10_000, deadlineMs);

  const failed = (message: string, version: string | null): Deployment => ({
    version,
    status: 'failed',
    endpoint,
    message,
  });

  /** Watches until the version serves, can never serve, or time is up. */
  const awaitReady = async (request: DeployRequest, entry: PointerEntry): Promise<Deployment> => {
    const { campaignId, version, signal, onProgress } = request;
    const started = performance.now();
    let lastReached = started;
    let said = '';
    let live: string | null = null;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
      signal?.throwIfAborted();
      const head = await pointers.head(servingPointer(campaignId));
      if (head && head.target !== version.id && head.number > entry.number) {
        return {
          version: live,
          status: 'superseded',
          endpoint,
          message: `${version.id} was superseded: '${head.operationId}' asked for ${head.target} later (${head.reason || 'no reason given'})`,
        };
      }
      const probe: VersionProbe = await probeVersion(endpoint, campaignId, version.number, signal);
      const now = performance.now();
      if (probe.kind !== 'unreachable') lastReached = now;
      if (probe.kind === 'answered') {
        live = probe.live;
        if (probe.ready && probe.live === version.id) {
          return {
            version: version.id,
            status: 'ready',
            endpoint,
            message: `${endpoint} answers with ${version.id}`,
          };
        }
        if (probe.failure && !probe.failure.retryable) {
          return failed(`the inference server could not load ${version.id}: ${probe.failure.message}`, live);
        }
      }
      const state = describe(probe, version.id, endpoint);
      if (probe.kind === 'unreachable' && now - lastReached >= connectMs) {
        return failed(
          `no inference server answers at ${endpoint} (${state}). ${version.id} stays the desired version and is loaded as soon as one runs: ` +
            `start it with 'titrate up', or correct the inference host and port in the settings`,
          null,
        );
      }
      if (now - started >= deadlineMs) {
        return failed(
          `${version.id} was not ready within ${Math.round(deadlineMs / 1000)} s: ${state}. Look at ${endpoint}/models and the server's log`,
          live,
        );
      }
      if (state !== said) onProgress?.((said = state));
      await sleep(Math.min(wait, Math.max(1, deadlineMs - (now - started))), undefined, { signal });
    }
  };

  return {
    kind: 'local',

    async deploy(request) {
      const { campaignId, version, operationId, author, reason, signal } = request;
      await checkOwner(registry, campaignId, version, operationId);
      return untilCancelled(
        `the wait for ${version.id} was cancelled; it stays the desired version`,
        request,
        async () => {
          signal?.throwIfAborted();
          const by = { operationId, author, reason };
          const entry = await pointers.move(servingPointer(campaignId), version.id, by);
          const deployment = await awaitReady(request, entry);
          if (deployment.status === 'ready') {
            await pointers.move(observedPointer(campaignId), version.id, {
              operationId: `${operationId}/observed`,
              author: 'deployer',
              reason: deployment.message,
            });
          }
          return deployment;
        },
      );
    },

    trial: createLocalTrials({
      pointers,
      registry,
      endpoint,
      headers,
      deadlineMs: trialDeadlineMs,
      connectMs,
    }),

    async observe(campaignId) {
      const [probe, candidate] = await Promise.all([
        probeLive(endpoint, campaignId),
        observeTrial({ pointers, endpoint, headers }, campaignId),
      ]);
      if (probe.kind === 'unreachable') {
        const message = `no inference server answers at ${endpoint}: ${probe.message}`;
        return { ...failed(message, null), candidate };
      }
      if (probe.kind === 'refused') return { ...failed(probe.message, null), candidate };
      if (!probe.live) {
        const message = `no model of campaign '${campaignId}' is live at ${endpoint}`;
        return { ...failed(message, null), candidate };
      }
      const message = `${endpoint} answers with ${probe.live}`;
      return { version: probe.live, status: 'ready', endpoint, message, candidate };
    },
  };
}

function describe(probe: VersionProbe, wanted: string, endpoint: string): string {
  if (probe.kind === 'unreachable') return `${endpoint}: ${probe.message}`;
  if (probe.kind === 'refused') return probe.message;
  if (probe.failure) return `loading ${wanted} failed, and is tried again: ${probe.failure.message}`;
  return `${wanted} is being loaded; ${probe.live ? `${probe.live} answers meanwhile` : 'nothing answers yet'}`;
}
