import { TitrateError } from '../../contracts';
import type { PointerEntry, PointerLog } from '../../objects/pointers';
import type { ModelRegistry } from '../../tracking/registry';
import type { Deployer, Deployment, DeployRequest, TrialRequest } from '../deployer';
import { formatTrial, observedPointer, servingPointer, trialPointer } from '../pointer-names';
import type { Cluster } from './cluster';
import { converge, type ConvergeOptions } from './converge';
import { OWNED_KINDS, ROUTE_KIND, TAKEN_BACK } from './desired';
import { modelOf } from './diagnosis';
import { asKubernetesError } from './failures';
import { campaignSelector, type Slot } from './names';
import { endpointOf, observe, realShare, type Look } from './observe';
import type { InferenceOptions } from './options';
import { awaitStanding, type Outcome } from './await-standing';

export interface KubernetesDeployerOptions {
  readonly pointers: PointerLog;
  readonly registry: ModelRegistry;
  readonly cluster: Cluster;
  readonly inference: InferenceOptions;
  /** Longest wait for servers to be ready, milliseconds. Default 15 minutes: a node may have to be started. */
  readonly deadlineMs?: number;
  /** How long trouble that could pass, as an image that cannot be pulled, is looked at, milliseconds. Default 60,000. */
  readonly patienceMs?: number;
}

export interface KubernetesDeployer extends Deployer {
  readonly kind: 'kubernetes';
  /**
   * Deletes what serves a campaign: everything of ours with its label. The pointers stay; a later operation brings it back.
   * @returns what was deleted, `Deployment inference-…-stable`
   */
  remove(campaignId: string): Promise<string[]>;
}

const DEADLINE_MS = 15 * 60_000;
const PATIENCE_MS = 60_000;
/** Who withdraws what did not start. */
const AUTHOR = 'deployer';

/**
 * Deploys to a Kubernetes cluster: one Deployment for what serves, one for what is on trial. The pointers `serving/…` and
 * `trial/…` are the authority; the cluster follows them, also where several operations race. A version whose servers do not start
 * is taken back, with the reason.
 */
export function createKubernetesDeployer(options: KubernetesDeployerOptions): KubernetesDeployer {
  const { pointers, registry, cluster, inference } = options;
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const patienceMs = options.patienceMs ?? PATIENCE_MS;
  // Kubernetes' own judgement, should ours be away, comes a little later.
  const progressSeconds = Math.ceil(deadlineMs / 1000) + 30;
  const endpoint = (campaignId: string) => endpointOf(campaignId, inference);
  const converging = ({
    signal,
    onProgress,
  }: Pick<DeployRequest, 'signal' | 'onProgress'>): ConvergeOptions => ({
    pointers,
    cluster,
    inference,
    progressSeconds,
    signal,
    onProgress,
  });

  async function checkVersion(campaignId: string, id: string, where: string): Promise<void> {
    const registered = await registry.resolve(id);
    if (registered.id.startsWith(`${campaignId}/`)) return;
    throw new TitrateError('usage', { what: `${id} is not a model of campaign '${campaignId}'`, where });
  }

  /** The Gateway is there, if one is asked for; a shadow has one. Before anything moves. */
  async function checkGateway(mode: 'canary' | 'shadow' | null, request: TrialRequest | DeployRequest) {
    const { gateway, namespace } = inference;
    const known =
      gateway === null ||
      (await cluster.hasRoutes(request).catch((error: unknown) => {
        throw asKubernetesError(error, request.operationId);
      }));
    if (!known) {
      throw new TitrateError('config-invalid', {
        what: `gateway '${gateway!.name}' is named, and the cluster does not know HTTPRoutes of the Gateway API`,
        where: `namespace ${namespace}`,
        remedy: 'Install the Gateway API (on GKE: --gateway-api=standard), or leave kubernetes.gateway out',
      });
    }
    if (mode === 'shadow' && !gateway) {
      throw new TitrateError('config-invalid', {
        what: 'a shadow needs the Gateway API: a Service cannot send a request to two versions',
        where: request.operationId,
        remedy: 'Set kubernetes.gateway, or try the version as a canary',
      });
    }
  }

  const later = (entry: PointerEntry, head: PointerEntry | null) =>
    head && head.number > entry.number && head.target !== entry.target ? head : null;

  /** Applies, watches, and says how it ended. The cluster is what the pointers say when this returns. */
  async function bring(
    slot: Slot,
    pointer: string,
    entry: PointerEntry,
    request: DeployRequest | TrialRequest,
  ) {
    return awaitStanding({
      campaignId: request.campaignId,
      slot,
      model: slot === 'stable' ? entry.target : entry.target.split(' ')[0]!,
      gone: slot === 'candidate' && entry.target === formatTrial(null),
      superseded: async () => later(entry, await pointers.head(pointer)),
      converge: () => converge(request.campaignId, converging(request)),
      cluster,
      deadlineMs,
      patienceMs,
      signal: request.signal,
      onProgress: request.onProgress,
    });
  }

  /**
   * Moves the pointer back and the cluster with it. Where somebody else has moved the pointer meanwhile, theirs stays.
   * @returns whether it was moved
   */
  async function takeBack(
    pointer: string,
    from: string,
    to: string,
    operationId: string,
    reason: string,
    request: DeployRequest | TrialRequest,
  ) {
    const by = { operationId, author: AUTHOR, reason };
    const moved = await pointers.moveFrom(pointer, from, to, by);
    const after = await converge(request.campaignId, converging(request));
    if (after?.kind === 'refused') request.onProgress?.(after.message);
    return moved !== null;
  }

  async function guarded(
    request: DeployRequest | TrialRequest,
    what: string,
    work: () => Promise<Deployment>,
  ) {
    try {
      request.signal?.throwIfAborted();
      return await work();
    } catch (cause) {
      if (!request.signal?.aborted) throw asKubernetesError(cause, request.operationId);
      throw new TitrateError(
        'cancelled',
        { what: `the wait for ${what} was cancelled; it stays what is desired`, where: request.operationId },
        { cause },
      );
    }
  }

  const supersededBy = (what: string, head: PointerEntry) =>
    `${what} was superseded: '${head.operationId}' asked for ${head.target} later (${head.reason || 'no reason given'})`;

  return {
    kind: 'kubernetes',

    async deploy(request) {
      const { campaignId, version, operationId, author, reason } = request;
      await checkVersion(campaignId, version.id, operationId);
      await checkGateway(null, request);
      const answer = (status: Deployment['status'], message: string, serves: string | null): Deployment => ({
        version: serves,
        status,
        endpoint: endpoint(campaignId),
        message,
      });
      return guarded(request, version.id, async () => {
        const pointer = servingPointer(campaignId);
        const takenBack = `${operationId}${TAKEN_BACK}`;
        const entry = await pointers.move(pointer, version.id, { operationId, author, reason });
        const outcome = await bring('stable', pointer, entry, request);
        const served = (await pointers.head(observedPointer(campaignId)))?.target ?? null;
        switch (outcome.kind) {
          case 'ready': {
            const message = `${endpoint(campaignId)} answers with ${version.id}`;
            await pointers.move(observedPointer(campaignId), version.id, {
              operationId: `${operationId}/observed`,
              author: AUTHOR,
              reason: message,
            });
            return answer('ready', message, version.id);
          }
          case 'superseded':
            if (outcome.by.operationId === takenBack) return answer('failed', outcome.by.reason, served);
            return answer(
              'superseded',
              supersededBy(version.id, outcome.by),
              modelOf(outcome.look?.deployment('stable') ?? null),
            );
          case 'failed': {
            if (!served || served === version.id)
              return answer(
                'failed',
                `${version.id} did not start: ${outcome.message}. It stays what is desired; there is nothing to go back to`,
                null,
              );
            const message = `${version.id} did not start: ${outcome.message}. ${served} serves again`;
            if (await takeBack(pointer, version.id, served, takenBack, message, request))
              return answer('failed', message, served);
            const head = (await pointers.head(pointer))!;
            return answer('superseded', supersededBy(version.id, head), served);
          }
        }
      });
    },

    async trial(request) {
      const { campaignId, candidate, operationId, author, reason } = request;
      if (candidate) await checkVersion(campaignId, candidate.version.id, operationId);
      await checkGateway(candidate?.mode ?? null, request);
      const target = formatTrial(candidate && { ...candidate, version: candidate.version.id });
      const serving = await pointers.head(servingPointer(campaignId));
      if (!serving) {
        throw new TitrateError('usage', {
          what: `no model of campaign '${campaignId}' serves, so that there is nothing to try a candidate beside`,
          where: operationId,
          remedy: 'Deploy a version first',
        });
      }
      const name = candidate ? `the trial of ${candidate.version.id}` : 'the end of the trial';
      const answer = (status: Deployment['status'], message: string): Deployment => ({
        version: serving.target,
        status,
        endpoint: endpoint(campaignId),
        message,
      });
      return guarded(request, name, async () => {
        const pointer = trialPointer(campaignId);
        const withdrawn = `${operationId}${TAKEN_BACK}`;
        const entry = await pointers.move(pointer, target, { operationId, author, reason });
        const outcome: Outcome = await bring('candidate', pointer, entry, request);
        switch (outcome.kind) {
          case 'ready':
            return answer(
              'ready',
              candidate ? await told(campaignId, candidate, outcome.look) : 'nothing is on trial',
            );
          case 'superseded':
            if (outcome.by.operationId === withdrawn) return answer('failed', outcome.by.reason);
            return answer('superseded', supersededBy(name, outcome.by));
          case 'failed': {
            if (!candidate) return answer('failed', `${name}: ${outcome.message}`);
            const message = `${candidate.version.id} did not start: ${outcome.message}. The trial was withdrawn; ${serving.target} serves as before`;
            if (await takeBack(pointer, target, formatTrial(null), withdrawn, message, request))
              return answer('failed', message);
            return answer('superseded', supersededBy(name, (await pointers.head(pointer))!));
          }
        }
      });
    },

    async observe(campaignId) {
      try {
        return await observe(campaignId, cluster, pointers, inference);
      } catch (error) {
        throw asKubernetesError(error, `campaign '${campaignId}'`);
      }
    },

    async remove(campaignId) {
      const removed: string[] = [];
      try {
        const kinds = (await cluster.hasRoutes()) ? [ROUTE_KIND, ...OWNED_KINDS] : OWNED_KINDS;
        for (const { apiVersion, kind } of kinds) {
          for (const { metadata } of await cluster.list(apiVersion, kind, campaignSelector(campaignId))) {
            const name = metadata!.name!;
            if (await cluster.remove({ apiVersion, kind, name })) removed.push(`${kind} ${name}`);
          }
        }
      } catch (error) {
        throw asKubernetesError(error, `campaign '${campaignId}'`);
      }
      return removed;
    },
  };

  async function told(
    campaignId: string,
    candidate: NonNullable<TrialRequest['candidate']>,
    seen: Look,
  ): Promise<string> {
    const share = await realShare(campaignId, seen, cluster, inference);
    const figure = `${Math.round(share)} % of the requests`;
    if (candidate.mode === 'shadow') return `${candidate.version.id} is asked beside in ${figure}`;
    const ready = (slot: Slot) => seen.deployment(slot)?.status?.availableReplicas ?? 0;
    const by = inference.gateway
      ? `by a route of gateway '${inference.gateway.name}'`
      : `${ready('candidate')} of ${ready('candidate') + ready('stable')} servers; ${candidate.share} % was asked for`;
    return `${candidate.version.id} answers ${figure} (${by})`;
  }
}
