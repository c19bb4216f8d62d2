import { createHash } from 'node:crypto';

/** Who we are in every object's managed fields. */
export const FIELD_MANAGER = 'titrate';

export type Slot = 'stable' | 'candidate';

export const LABELS = {
  name: 'app.kubernetes.io/name',
  component: 'app.kubernetes.io/component',
  instance: 'app.kubernetes.io/instance',
  version: 'app.kubernetes.io/version',
  managedBy: 'app.kubernetes.io/managed-by',
  campaign: 'titrate.dev/campaign',
  slot: 'titrate.dev/slot',
} as const;

export const ANNOTATIONS = {
  /** The campaign's id in full: a label holds 63 characters, an id has up to 100. */
  campaign: 'titrate.dev/campaign-id',
  /** The version id that the object is about. */
  model: 'titrate.dev/model',
  /** Numbers of the entries of `serving/…` and `trial/…` that the object was written for: later ones win. */
  serving: 'titrate.dev/serving-number',
  trial: 'titrate.dev/trial-number',
  /** The operation that moved the pointer last. */
  operation: 'titrate.dev/operation',
  /** On the campaign's Service: the image with which the stable version was seen ready last. */
  provenImage: 'titrate.dev/proven-image',
} as const;

/** Room for `-candidate` and the digits that a ReplicaSet and a pod add, out of a label's 63 characters. */
const SLUG_LENGTH = 20;

/**
 * The name of a campaign's objects: `inference-solubility-42-1f3a90bc`. An id may have capitals, dots and 100 characters, a
 * Kubernetes name none of these; the hash keeps apart what the slug no longer does.
 */
export function campaignKey(campaignId: string): string {
  const slug = campaignId
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_LENGTH)
    .replace(/^-+|-+$/g, '');
  const hash = createHash('sha256').update(campaignId).digest('hex').slice(0, 8);
  return ['inference', slug, hash].filter(Boolean).join('-');
}

export const slotName = (campaignId: string, slot: Slot) => `${campaignKey(campaignId)}-${slot}`;

/** What selects the objects of a campaign. */
export const campaignSelector = (campaignId: string) =>
  `${LABELS.managedBy}=${FIELD_MANAGER},${LABELS.campaign}=${campaignKey(campaignId)}`;

/** Labels that select pods. They never change, since a Deployment's selector cannot. */
export const podSelector = (campaignId: string, slot?: Slot): Record<string, string> => ({
  [LABELS.name]: 'titrate',
  [LABELS.component]: 'inference',
  [LABELS.campaign]: campaignKey(campaignId),
  ...(slot && { [LABELS.slot]: slot }),
});

export const objectLabels = (campaignId: string, slot?: Slot): Record<string, string> => ({
  ...podSelector(campaignId, slot),
  [LABELS.instance]: campaignKey(campaignId),
  [LABELS.managedBy]: FIELD_MANAGER,
});
