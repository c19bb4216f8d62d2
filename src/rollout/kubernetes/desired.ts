import type { KubernetesObject, V1Deployment, V1Service } from '@kubernetes/client-node';
import type { PointerEntry, PointerLog } from '../../objects/pointers';
import { parseTrial, servingPointer, trialPointer, type TrialTarget } from '../pointer-names';
import type { ObjectName } from './cluster';
import { isRolledOut, modelOf } from './diagnosis';
import { autoscaler, deployment, disruptionBudget, service, type Writing } from './manifests';
import { ANNOTATIONS, campaignKey, slotName } from './names';
import type { InferenceOptions } from './options';
import { httpRoute, ROUTE_API } from './routes';
import { replicaShare, type ReplicaShare } from './shares';

/** What the pointers say should be. */
export interface Desired {
  readonly campaignId: string;
  readonly serving: PointerEntry;
  readonly trialEntry: PointerEntry | null;
  readonly trial: TrialTarget | null;
}

/** Null while nothing was ever put into service. */
export async function readDesired(pointers: PointerLog, campaignId: string): Promise<Desired | null> {
  const [serving, trialEntry] = await Promise.all([
    pointers.head(servingPointer(campaignId)),
    pointers.head(trialPointer(campaignId)),
  ]);
  if (!serving) return null;
  return { campaignId, serving, trialEntry, trial: trialEntry && parseTrial(trialEntry.target) };
}

/** What is there now, as far as the plan depends on it. */
export interface Present {
  /** The campaign's Service: written first, so that it says which operation wrote last. */
  readonly service: V1Service | null;
  readonly stable: V1Deployment | null;
  readonly candidate: V1Deployment | null;
}

/** Ends the operation id of a move by which a version that did not start was taken back. */
export const TAKEN_BACK = '/taken-back';

export interface Plan {
  /** In the order in which they are applied. */
  readonly apply: readonly KubernetesObject[];
  readonly remove: readonly ObjectName[];
  /** The stable slot has at least so many replicas, at once. */
  readonly stableReplicas: number;
  /** What the candidate's share is made of; null without a trial. */
  readonly share: ReplicaShare | null;
  /** Whether more is to be done once the stable slot, or the candidate, is ready. */
  readonly incomplete: boolean;
}

/** The objects of a campaign. Pure: the same pointers and the same cluster give the same plan. */
export function planFor(
  desired: Desired,
  present: Present,
  options: InferenceOptions,
  progressSeconds: number,
): Plan {
  const { campaignId, serving, trialEntry, trial } = desired;
  const routed = options.gateway !== null;
  const { min, max } = options.replicas;
  const running = present.stable?.spec?.replicas ?? 0;
  const writing: Writing = {
    campaignId,
    servingNumber: serving.number,
    trialNumber: trialEntry?.number ?? 0,
    operationId: trialEntry && trialEntry.at > serving.at ? trialEntry.operationId : serving.operationId,
  };

  // A route sends an exact share whatever the number of pods; the candidate then gets what it needs to carry it.
  const share: ReplicaShare | null =
    trial &&
    (routed
      ? {
          stable: min,
          candidate: Math.min(max, Math.max(1, Math.ceil((Math.max(running, min) * trial.share) / 100))),
          share: Math.round(trial.share),
        }
      : replicaShare(trial.share, Math.max(running, min), max));
  const stableReplicas = Math.max(min, share?.stable ?? 0);
  // Behind one Service a candidate that came before its companions would have more than its share.
  const early = share !== null && !routed && (present.stable?.status?.availableReplicas ?? 0) < share.stable;
  const candidateReplicas = early ? 0 : (share?.candidate ?? 0);
  const candidateReady =
    present.candidate !== null &&
    modelOf(present.candidate) === trial?.version &&
    isRolledOut(present.candidate);

  const proven = provenImage(present);
  const key = campaignKey(campaignId);
  const apply: KubernetesObject[] = [
    service(
      writing,
      options,
      key,
      routed ? 'stable' : undefined,
      proven ? { [ANNOTATIONS.provenImage]: proven } : {},
    ),
  ];
  if (routed) {
    apply.push(service(writing, options, slotName(campaignId, 'stable'), 'stable'));
    if (trial) apply.push(service(writing, options, slotName(campaignId, 'candidate'), 'candidate'));
  }
  // What serves is written once for a move of its pointer: a trial, with whatever image, leaves it alone.
  if (numberOf(present.stable, 'serving') !== serving.number || modelOf(present.stable) !== serving.target) {
    const image = stableImage(desired, present, options, proven);
    apply.push(deployment(writing, 'stable', serving.target, { ...options, image }, progressSeconds));
  }
  if (trial) {
    const begun = numberOf(present.candidate, 'trial') === writing.trialNumber;
    const image = (begun && imageOf(present.candidate)) || options.image;
    const of = { ...options, image };
    apply.push(deployment(writing, 'candidate', trial.version, of, progressSeconds, candidateReplicas));
  }
  apply.push(disruptionBudget(writing, options), autoscaler(writing, options, stableReplicas));
  if (routed) apply.push(httpRoute(writing, options, candidateReady ? trial : null));

  const candidate = slotName(campaignId, 'candidate');
  const remove: ObjectName[] = trial
    ? []
    : [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: candidate },
        ...(routed ? [{ apiVersion: 'v1', kind: 'Service', name: candidate }] : []),
      ];
  const incomplete = early || (routed && trial !== null && !candidateReady);
  return { apply, remove, stableReplicas, share, incomplete };
}

/** Number of the entry of `serving/…` or `trial/…` that an object was written for; 0 for none. */
export const numberOf = (object: KubernetesObject | null, of: 'serving' | 'trial') =>
  Number(object?.metadata?.annotations?.[ANNOTATIONS[of]] ?? 0);

const imageOf = (deployment: V1Deployment | null) => deployment?.spec?.template.spec?.containers[0]?.image;

const provenImage = ({ service, stable }: Present) =>
  (stable && isRolledOut(stable) && imageOf(stable)) ||
  service?.metadata?.annotations?.[ANNOTATIONS.provenImage];

/** The image of the settings; where a version is taken back, or was deleted by somebody, the one it ran with. */
function stableImage({ serving }: Desired, present: Present, { image }: InferenceOptions, proven?: string) {
  const back = serving.operationId.endsWith(TAKEN_BACK);
  const deleted = present.stable === null && numberOf(present.service, 'serving') === serving.number;
  return (back || deleted) && proven ? proven : image;
}

/** Kinds whose objects `remove` looks for, and the API each is of. */
export const OWNED_KINDS: readonly Required<Pick<KubernetesObject, 'apiVersion' | 'kind'>>[] = [
  { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'v1', kind: 'Service' },
];
export const ROUTE_KIND = { apiVersion: ROUTE_API, kind: 'HTTPRoute' } as const;
