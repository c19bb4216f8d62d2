import type { TitrateError } from '../contracts';
import { asTitrateError, uploadOperationId, type ModelVersion } from '../contracts';
import { createNumberedLog, type ObjectStore } from '../objects';
import type { ModelRegistry } from '../tracking/registry';
import type { ModelUpload, UploadedModel } from './vertex/model-upload';

/** What became of entering a version into a registry elsewhere. */
export type ModelUploadEvent = {
  /** `projects/…/locations/…` */
  readonly place: string;
  readonly operationId: string;
  readonly author: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
} & (
  | ({ readonly kind: 'uploaded' } & UploadedModel)
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
);

export interface UploadVersionOptions {
  readonly objects: ObjectStore;
  readonly registry: Pick<ModelRegistry, 'card'>;
  readonly modelUpload: ModelUpload;
  readonly author: string;
  readonly reason: string;
  readonly signal?: AbortSignal;
}

const logOf = (objects: ObjectStore, version: string) =>
  createNumberedLog<ModelUploadEvent>(objects, `models-uploaded/${version}`);

/** What is on record of a version's uploads, the first one first; a failure that repeats itself is there once. */
export async function modelUploadsOf(
  objects: ObjectStore,
  version: ModelVersion,
): Promise<ModelUploadEvent[]> {
  return (await logOf(objects, version.id).entries()).map(({ value }) => value);
}

/** Versions of a campaign that are not known to be at the place, in their order. */
export async function versionsToUpload(
  campaignId: string,
  {
    objects,
    registry,
    place,
  }: { objects: ObjectStore; registry: Pick<ModelRegistry, 'versions'>; place: string },
): Promise<ModelVersion[]> {
  const lacking: ModelVersion[] = [];
  for (const version of await registry.versions(campaignId)) {
    const events = await modelUploadsOf(objects, version);
    if (!events.some((event) => event.kind === 'uploaded' && event.place === place)) lacking.push(version);
  }
  return lacking;
}

/**
 * Enters a version into the registry elsewhere, once, and records what became of it. It looks there also where the records have it, so
 * that one that was deleted there comes back.
 * @throws TitrateError what the upload throws; it is on record then
 */
export async function uploadVersion(
  version: ModelVersion,
  { objects, registry, modelUpload, author, reason, signal }: UploadVersionOptions,
): Promise<UploadedModel> {
  const log = logOf(objects, version.id);
  const { place } = modelUpload;
  const operationId = uploadOperationId(version.id);
  const by = () => ({ place, operationId, author, reason, at: new Date().toISOString() });
  const card = await registry.card(version);
  try {
    const uploaded = await modelUpload.upload(
      {
        model: card.campaignId,
        version: version.number,
        description: `${version.id}: ${card.family} for ${card.property}, ${card.labels} labels, round ${card.round}`,
        card: version.card.sha256,
      },
      { signal },
    );
    await log.append((events) => {
      const last = events.findLast(({ value }) => value.place === place)?.value;
      const known =
        last?.kind === 'uploaded' && last.name === uploaded.name && last.versionId === uploaded.versionId;
      return known ? null : { kind: 'uploaded', ...uploaded, ...by() };
    });
    return uploaded;
  } catch (thrown) {
    const error = asTitrateError(thrown);
    if (error.code === 'cancelled') throw error;
    const { code, message } = error;
    await log.append((events) => {
      const last = events.findLast(({ value }) => value.place === place)?.value;
      const known = last?.kind === 'failed' && last.code === code && last.message === message;
      return known ? null : { kind: 'failed', code, message, ...by() };
    });
    throw error;
  }
}

/**
 * Uploads what a campaign has registered and what is not known to be there yet. One that is refused for good does not keep the others
 * from it; trouble that may pass ends the attempt, since it would meet the others too.
 * @returns ids of the versions that are there now
 * @throws TitrateError of a version that is not
 */
export async function uploadCampaign(
  campaignId: string,
  options: Omit<UploadVersionOptions, 'registry'> & {
    readonly registry: Pick<ModelRegistry, 'card' | 'versions'>;
    readonly onProgress?: (message: string) => void;
  },
): Promise<string[]> {
  const { objects, registry, modelUpload, onProgress } = options;
  const uploaded: string[] = [];
  let refused: TitrateError | undefined;
  for (const version of await versionsToUpload(campaignId, { objects, registry, place: modelUpload.place })) {
    onProgress?.(`uploading ${version.id}`);
    try {
      await uploadVersion(version, options);
      uploaded.push(version.id);
    } catch (thrown) {
      const error = asTitrateError(thrown);
      if (error.retryable || error.code === 'cancelled') throw error;
      refused ??= error;
    }
  }
  if (refused) throw refused;
  return uploaded;
}
