import type { KubernetesObject, V1Deployment, V1Service } from '@kubernetes/client-node';
import { TitrateError } from '../../contracts';
import type { PointerLog } from '../../objects/pointers';
import type { CallOptions, Cluster } from './cluster';
import { numberOf, planFor, readDesired, type Desired, type Plan, type Present } from './desired';
import { apiStatus, asKubernetesError, fieldConflict, isStale, undeclaredField } from './failures';
import { ANNOTATIONS, campaignKey, slotName } from './names';
import type { InferenceOptions } from './options';

export interface ConvergeOptions extends CallOptions {
  readonly pointers: PointerLog;
  readonly cluster: Cluster;
  readonly inference: InferenceOptions;
  readonly progressSeconds: number;
}

export type Converged =
  | { readonly kind: 'applied'; readonly desired: Desired; readonly plan: Plan }
  /** Nothing was changed. */
  | { readonly kind: 'refused'; readonly message: string };

/** Races with other writers before it is given up. Each is lost to somebody who got on. */
const ATTEMPTS = 20;

/**
 * Makes the cluster what the pointers say, whoever moved them. After the last write the pointers are read again; where they have
 * moved meanwhile it is done once more. So of any number of processes that race, the one that writes last writes the latest.
 * @returns refused when another field manager owns what would have to change, or the API server does not admit an object
 */
export async function converge(campaignId: string, options: ConvergeOptions): Promise<Converged | null> {
  const { pointers, cluster, inference, progressSeconds } = options;
  let behind = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    options.signal?.throwIfAborted();
    const desired = await readDesired(pointers, campaignId);
    if (!desired) return null;
    const present = await readPresent(campaignId, cluster, options);
    if (isBehind(desired, present)) {
      behind += 1;
      if (behind > 1) throw foreignStore(campaignId, cluster.namespace, present);
      continue;
    }
    const plan = planFor(desired, present, inference, progressSeconds);
    try {
      const refused = await rehearse(plan, cluster, options);
      if (refused) return { kind: 'refused', message: refused };
      await carryOut(plan, present, options);
    } catch (error) {
      if (isStale(error)) continue;
      throw asKubernetesError(error, campaignId);
    }
    const after = await readDesired(pointers, campaignId);
    if (sameNumbers(desired, after)) return { kind: 'applied', desired, plan };
  }
  throw new TitrateError('conflict', {
    what: `others changed the objects ${ATTEMPTS} times while they were written`,
    where: `campaign '${campaignId}' in namespace ${cluster.namespace}`,
    remedy: 'See who does (kubectl get deployment -o yaml --show-managed-fields)',
  });
}

async function readPresent(campaignId: string, cluster: Cluster, how: CallOptions): Promise<Present> {
  const read = (slot: 'stable' | 'candidate') =>
    cluster.read<V1Deployment>(
      { apiVersion: 'apps/v1', kind: 'Deployment', name: slotName(campaignId, slot) },
      how,
    );
  const name = campaignKey(campaignId);
  const [service, stable, candidate] = await Promise.all([
    cluster.read<V1Service>({ apiVersion: 'v1', kind: 'Service', name }, how),
    read('stable'),
    read('candidate'),
  ]);
  return { service, stable, candidate };
}

const sameNumbers = (a: Desired, b: Desired | null) =>
  a.serving.number === b?.serving.number && a.trialEntry?.number === b.trialEntry?.number;

/** Whether an object was written for a later entry than those that were read. */
function isBehind({ serving, trialEntry }: Desired, { service, stable, candidate }: Present): boolean {
  return [service, stable, candidate].some(
    (object) =>
      numberOf(object, 'serving') > serving.number || numberOf(object, 'trial') > (trialEntry?.number ?? 0),
  );
}

function foreignStore(campaignId: string, namespace: string, { service, stable }: Present): TitrateError {
  const operation = (service ?? stable)?.metadata?.annotations?.[ANNOTATIONS.operation];
  return new TitrateError('contradiction', {
    what: `the cluster's objects were written by operation '${operation}', which this object store does not know`,
    where: `campaign '${campaignId}' in namespace ${namespace}`,
    remedy: 'Two installations share a namespace: give each its own (kubernetes.namespace)',
  });
}

/** Everything is tried without effect first, so that an object that is refused leaves nothing half-changed. */
async function rehearse(plan: Plan, cluster: Cluster, how: CallOptions): Promise<string | null> {
  for (const object of plan.apply) {
    const what = `${object.kind} ${object.metadata?.name}`;
    try {
      await cluster.apply(object, { ...how, dryRun: true });
    } catch (error) {
      const conflict = fieldConflict(error, what);
      if (conflict) return conflict;
      const undeclared = undeclaredField(error);
      if (undeclared) return `${what}: ${undeclared}; titrate needs the Gateway API 1.3 or later`;
      const status = apiStatus(error);
      if (status && [400, 403, 422].includes(status.code)) return asKubernetesError(error, what).message;
      throw error;
    }
  }
  return null;
}

async function carryOut(
  { apply, remove, stableReplicas }: Plan,
  present: Present,
  options: ConvergeOptions,
): Promise<void> {
  const { cluster } = options;
  const read = new Map(
    Object.values(present).map((object: KubernetesObject | null) => [
      `${object?.kind} ${object?.metadata?.name}`,
      object?.metadata?.resourceVersion,
    ]),
  );
  for (const object of apply) {
    // Guarded by the state it was read in: who was overtaken since then learns it, and looks again.
    const guard = read.get(`${object.kind} ${object.metadata?.name}`);
    const applied = await cluster.apply(
      guard ? { ...object, metadata: { ...object.metadata, resourceVersion: guard } } : object,
      options,
    );
    if (object.kind === 'Deployment' && object.metadata?.name?.endsWith('-stable')) {
      // Left to the autoscaler it would come a quarter of a minute later.
      const { metadata, spec } = applied as V1Deployment;
      if ((spec?.replicas ?? 1) < stableReplicas)
        await cluster.scale(metadata!.name!, stableReplicas, options);
    }
  }
  for (const name of remove) {
    if (name.kind === 'Deployment' && !present.candidate) continue;
    await cluster.remove(
      name,
      name.kind === 'Deployment' ? (present.candidate ?? undefined) : undefined,
      options,
    );
  }
}
