import {
  MEDIA_TYPES,
  modelVersionId,
  nearestName,
  TitrateError,
  type ArtifactRef,
  type ModelCard,
  type ModelVersion,
} from '../contracts';
import { createNumberedLog, type NumberedEntry, type NumberedLog } from '../objects/numbered-log';
import type { ObjectStore } from '../objects/object-store';
import type { PointerLog } from '../objects/pointers';
import { createAliases } from './aliases';
import { checkCampaignId, parseModelName } from './model-name';
import type { ModelRegistry } from './registry';

export interface ModelRegistryOptions {
  readonly objects: ObjectStore;
  readonly pointers: PointerLog;
}

/** What the record `models/<campaign>/<number>` holds. Written once. */
interface Registration {
  readonly operationId: string;
  readonly card: ArtifactRef;
  readonly registeredAt: string;
}

const ROOT = 'models/';

/**
 * A registry on the object store: version n of a campaign is the record `models/<campaign>/<n>`, created exclusively, so
 * numbers have no gaps and racing writers never share one. Cards are JSON artifacts; aliases are pointer logs (aliases.ts).
 */
export function createModelRegistry({ objects, pointers }: ModelRegistryOptions): ModelRegistry {
  const logs = new Map<string, NumberedLog<Registration>>();
  const cards = new Map<string, ModelCard>();
  const aliases = createAliases({ objects, pointers });

  const logOf = (campaignId: string) => {
    checkCampaignId(campaignId);
    let log = logs.get(campaignId);
    if (!log) logs.set(campaignId, (log = createNumberedLog<Registration>(objects, ROOT + campaignId)));
    return log;
  };

  const versionOf = (campaignId: string, { number, value }: NumberedEntry<Registration>): ModelVersion => ({
    id: modelVersionId(campaignId, number),
    number,
    card: value.card,
  });

  const campaigns = async (): Promise<string[]> => {
    const keys = await objects.listRecords(ROOT);
    return [...new Set(keys.map((key) => key.slice(ROOT.length, key.lastIndexOf('/'))))].sort();
  };

  const versions = async (campaignId: string): Promise<ModelVersion[]> =>
    (await logOf(campaignId).entries()).map((entry) => versionOf(campaignId, entry));

  const resolve = async (name: string): Promise<ModelVersion> => {
    const parsed = parseModelName(name);
    const { campaignId } = parsed;
    if (parsed.kind === 'alias') {
      const head = await aliases.head(campaignId, parsed.alias);
      if (head) return resolve(head.version);
    } else {
      const entry = (await logOf(campaignId).entries())[parsed.number - 1];
      if (entry) return versionOf(campaignId, entry);
    }
    throw await unknownModel(name, campaignId);
  };

  const unknownModel = async (name: string, campaignId: string): Promise<TitrateError> => {
    const there = await versions(campaignId);
    if (there.length) {
      const names = there.slice(-10).map((version) => version.id);
      return new TitrateError('not-found', {
        what: `there is no model version '${name}'`,
        where: 'model registry',
        remedy: `Known versions: ${there.length > names.length ? '… ' : ''}${names.join(', ')}`,
      });
    }
    const all = await campaigns();
    const near = nearestName(campaignId, all);
    return new TitrateError('not-found', {
      what: `campaign '${campaignId}' has no registered model`,
      where: 'model registry',
      remedy: near
        ? `Did you mean '${near}'?`
        : all.length
          ? `Campaigns with models: ${all.slice(-10).join(', ')}`
          : 'No campaign has one yet; the first round that trains registers it',
    });
  };

  /** @throws usage for a model of another campaign; not-found for one that is not registered. */
  const ownVersion = async (
    campaignId: string,
    alias: string,
    version: ModelVersion,
    by: { operationId: string },
  ): Promise<string> => {
    if (parseModelName(version.id).campaignId !== campaignId) {
      throw new TitrateError('usage', {
        what: `alias '${alias}' of campaign '${campaignId}' cannot point at '${version.id}', a model of another campaign`,
        where: by.operationId,
      });
    }
    return (await resolve(version.id)).id;
  };

  return {
    async register(campaignId, card, operationId) {
      if (card.campaignId !== campaignId) {
        throw new TitrateError('usage', {
          what: `a model of campaign '${card.campaignId}' cannot be registered under '${campaignId}'`,
          where: operationId,
        });
      }
      const ref = await objects.put(Buffer.from(JSON.stringify(card), 'utf8'), MEDIA_TYPES.json);
      let found: NumberedEntry<Registration> | undefined;
      const appended = await logOf(campaignId).append((entries) => {
        found = entries.find((entry) => entry.value.operationId === operationId);
        return found ? null : { operationId, card: ref, registeredAt: new Date().toISOString() };
      });
      return versionOf(campaignId, (appended ?? found)!);
    },

    versions,
    campaigns,
    resolve,

    async card(version) {
      const cached = cards.get(version.card.sha256);
      if (cached) return cached;
      const card = parseJson<ModelCard>(await objects.get(version.card), `card of ${version.id}`);
      cards.set(version.card.sha256, card);
      return card;
    },

    async moveAlias(campaignId, alias, version, by, options = {}) {
      return aliases.move(campaignId, alias, await ownVersion(campaignId, alias, version, by), by, options);
    },
    async advanceAlias(campaignId, alias, version, by) {
      return aliases.advance(campaignId, alias, await ownVersion(campaignId, alias, version, by), by);
    },
    releaseAlias: aliases.release,
    aliases: aliases.names,
    aliasMoves: aliases.moves,

    async alias(campaignId, alias) {
      const head = await aliases.head(campaignId, alias);
      return head ? resolve(head.version) : null;
    },
  };
}

function parseJson<T>(bytes: Uint8Array, where: string): T {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as T;
  } catch (cause) {
    throw new TitrateError('artifact-corrupt', { what: 'not JSON', where }, { cause });
  }
}
