import { setTimeout as sleep } from 'node:timers/promises';
import { TitrateError, type ModelVersion } from '../contracts';
import type { PointerEntry, PointerLog } from '../objects/pointers';
import type { ModelRegistry } from '../tracking/registry';
import type { Deployment, Observation, TrialRequest } from './deployer';
import { probeTrial } from './inference-probe';
import { formatTrial, parseTrial, trialPointer } from './pointer-names';

export interface LocalTrialOptions {
  readonly pointers: PointerLog;
  readonly registry: ModelRegistry;
  readonly endpoint: string;
  /** By which the server knows a process of its own installation. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** Longest wait for the candidate to be ready, and for a server to appear, milliseconds. */
  readonly deadlineMs: number;
  readonly connectMs: number;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1000;

/**
 * Trials on the inference server of this machine: what is to be tried is appended to `trial/<campaign>`; the server starts the
 * candidate's process and gives it its share.
 */
export function createLocalTrials(options: LocalTrialOptions) {
  const { pointers, registry, endpoint, headers } = options;
  const told = (status: Deployment['status'], version: string | null, message: string): Deployment => ({
    version,
    status,
    endpoint,
    message,
  });

  /** Whether something later was asked for than `entry`, and by whom. */
  const supersession = async (campaignId: string, entry: PointerEntry): Promise<Deployment | null> => {
    const head = await pointers.head(trialPointer(campaignId));
    if (!head || head.number <= entry.number || head.target === entry.target) return null;
    const now = parseTrial(head.target)?.version ?? null;
    const what = now ? `put ${now} on trial` : 'ended the trial';
    return told('superseded', now, `'${head.operationId}' ${what} later (${head.reason})`);
  };

  const awaitCandidate = async (request: TrialRequest, entry: PointerEntry): Promise<Deployment> => {
    const { campaignId, candidate, signal, onProgress } = request;
    const id = candidate!.version.id;
    const started = performance.now();
    let lastReached = started;
    let said = '';
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
      signal?.throwIfAborted();
      const later = await supersession(campaignId, entry);
      if (later) return later;
      const probe = await probeTrial(endpoint, campaignId, signal, headers?.());
      const now = performance.now();
      if (probe.kind !== 'unreachable') lastReached = now;
      if (probe.kind === 'answered' && probe.entry >= entry.number) {
        if (probe.state === 'ready') return told('ready', id, probe.message);
        if (probe.state === 'failed') return told('failed', id, `${id} on trial: ${probe.message}`);
      }
      if (probe.kind === 'unreachable' && now - lastReached >= options.connectMs) {
        const why = `no inference server answers at ${endpoint} (${probe.message})`;
        return told('failed', null, `${why}, so ${id} cannot be tried: start it with 'titrate up'`);
      }
      if (now - started >= options.deadlineMs) {
        const within = `${Math.round(options.deadlineMs / 1000)} s`;
        return told('failed', id, `${id} was not on trial within ${within}: ${probe.message}`);
      }
      if (probe.message !== said) onProgress?.((said = probe.message));
      await sleep(wait, undefined, { signal });
    }
  };

  const end = async (request: TrialRequest): Promise<Deployment> => {
    const { campaignId, only, operationId, author, reason, signal } = request;
    const isOver = (head: PointerEntry | null) => {
      const now = head && parseTrial(head.target);
      return !now || (only !== undefined && now.version !== only);
    };
    const by = { operationId, author, reason };
    const entry = await pointers.moveIf(
      trialPointer(campaignId),
      formatTrial(null),
      by,
      (head) => !isOver(head),
    );
    if (!entry) return told('ready', null, 'nothing of this is on trial');
    // The server looks at once; one that cannot be reached reads it when it starts.
    const probe = await probeTrial(endpoint, campaignId, signal, headers?.());
    return told(
      'ready',
      null,
      probe.kind === 'answered' ? probe.message : `the trial ends: ${probe.message}`,
    );
  };

  return async (request: TrialRequest): Promise<Deployment> => {
    const { campaignId, candidate, operationId, author, reason, signal } = request;
    if (!candidate) return end(request);
    const { version, mode, share } = candidate;
    await checkOwner(registry, campaignId, version, operationId);
    const target = formatTrial({ version: version.id, mode, share });
    return untilCancelled(`the wait for the trial of ${version.id} was cancelled`, request, async () => {
      signal?.throwIfAborted();
      const entry = await pointers.move(trialPointer(campaignId), target, { operationId, author, reason });
      return awaitCandidate(request, entry);
    });
  };
}

/** What is on trial by the log, and what the server says of it. */
export async function observeTrial(
  { pointers, endpoint, headers }: Pick<LocalTrialOptions, 'pointers' | 'endpoint' | 'headers'>,
  campaignId: string,
): Promise<Observation['candidate']> {
  const head = await pointers.head(trialPointer(campaignId));
  const trial = head && parseTrial(head.target);
  if (!trial) return null;
  const probe = await probeTrial(endpoint, campaignId, undefined, headers?.());
  const follows = probe.kind === 'answered' && probe.entry >= head.number;
  return {
    ...trial,
    ready: follows && probe.state === 'ready',
    failed: follows && probe.state === 'failed',
    message: probe.message,
  };
}

/** @throws TitrateError not-found for a version that is not registered, usage for one of another campaign. */
export async function checkOwner(
  registry: ModelRegistry,
  campaignId: string,
  version: ModelVersion,
  operationId: string,
): Promise<void> {
  const registered = await registry.resolve(version.id);
  if (registered.id.startsWith(`${campaignId}/`)) return;
  throw new TitrateError('usage', {
    what: `${version.id} is not a model of campaign '${campaignId}'`,
    where: operationId,
  });
}

/** Runs `work`; an abort in it becomes a TitrateError `cancelled` that says how things stay. */
export async function untilCancelled<T>(
  what: string,
  { signal, operationId }: { readonly signal?: AbortSignal; readonly operationId: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!signal?.aborted) throw cause;
    throw new TitrateError('cancelled', { what, where: operationId }, { cause });
  }
}
