import {
  TitrateError,
  type ArtifactRef,
  type ModelVersion,
  type TrainedCard,
  versionParts,
} from '../contracts';
import type { ObjectStore } from '../objects/object-store';
import type { PointerLog } from '../objects/pointers';
import { servingPointer } from '../rollout/pointer-names';
import type { ModelRegistry } from '../tracking/registry';

/** Which models there are, as far as serving asks. */
export interface ModelCatalogue {
  campaigns(): Promise<string[]>;
  versions(campaignId: string): Promise<ModelVersion[]>;
  /** `solubility-42/v3`, or `solubility-42@production`. @throws TitrateError not-found */
  resolve(name: string): Promise<ModelVersion>;
  card(version: ModelVersion): Promise<TrainedCard>;
}

/** Says whether a version bears the signature that it should bear. */
export interface VersionVerifier {
  /** @throws TitrateError contradiction when it does not */
  verify(version: ModelVersion): Promise<unknown>;
}

/**
 * The same catalogue, in which a version that is not signed as it should be has no card: it cannot be loaded, and whoever tries is told
 * why.
 * @param verifier null where no key is configured: then everything is taken
 */
export function signedOnly<C extends Pick<ModelCatalogue, 'card'>>(
  catalogue: C,
  verifier: VersionVerifier | null,
): C {
  if (!verifier) return catalogue;
  return {
    ...catalogue,
    async card(version: ModelVersion) {
      await verifier.verify(version);
      return catalogue.card(version);
    },
  };
}

/** What should answer for a campaign; `entry` grows with each decision. */
export interface Desired {
  readonly versionId: string;
  readonly entry: number;
}

/** What is desired, by the pointers `serving/<campaign>`. */
export const desiredByPointers =
  (pointers: Pick<PointerLog, 'head'>) =>
  async (campaignId: string): Promise<Desired | null> => {
    const head = await pointers.head(servingPointer(campaignId));
    return head && { versionId: head.target, entry: head.number };
  };

/** A model that is served because somebody named it. */
export interface NamedModel {
  readonly version: ModelVersion;
  readonly card: TrainedCard;
  get(ref: Pick<ArtifactRef, 'sha256'>): Promise<Buffer>;
  /** `production`: what the alias names later takes over. */
  readonly follows?: string;
}

export interface NamedModels {
  readonly registry: ModelCatalogue;
  readonly objects: Pick<ObjectStore, 'get'>;
  readonly desired: (campaignId: string) => Promise<Desired | null>;
}

/**
 * A catalogue of the models that were named and of nothing else. Of a campaign of which several versions are named, the last one
 * answers where a request names none.
 * @param registry where aliases are followed
 * @throws TitrateError usage when two models would answer under one name
 */
export function namedModels(models: readonly NamedModel[], registry: ModelRegistry): NamedModels {
  const known = new Map<string, NamedModel>();
  const decided = new Map<string, Desired>();
  for (const model of models) {
    const before = known.get(model.version.id);
    if (before && before.version.card.sha256 !== model.version.card.sha256) {
      throw new TitrateError('usage', {
        what: `two models would answer as ${model.version.id}`,
        remedy: 'Serve them on two ports',
      });
    }
    known.set(model.version.id, model);
  }
  const of = (campaignId: string) =>
    [...known.values()].filter(({ version }) => versionParts(version.id).campaignId === campaignId);

  /** What an alias names now, taken in when it is new. */
  const follow = async ({ version, follows, get }: NamedModel): Promise<ModelVersion> => {
    const now = await registry.resolve(`${versionParts(version.id).campaignId}@${follows}`);
    if (!known.has(now.id)) known.set(now.id, { version: now, card: await registry.card(now), get, follows });
    return now;
  };

  const catalogue: ModelCatalogue = {
    campaigns: () =>
      Promise.resolve(
        [...new Set([...known.values()].map(({ version }) => versionParts(version.id).campaignId))].sort(),
      ),
    versions: (campaignId) =>
      Promise.resolve(
        of(campaignId)
          .map(({ version }) => version)
          .sort((a, b) => a.number - b.number),
      ),
    async resolve(name) {
      const found = known.get(name);
      if (found) return found.version;
      const [campaignId, alias] = name.split('@');
      const following = alias ? of(campaignId!).find(({ follows }) => follows === alias) : undefined;
      if (following) return follow(following);
      throw new TitrateError('not-found', {
        what: `there is no model '${name}' here`,
        remedy: `Known versions: ${[...known.keys()].join(', ')}`,
      });
    },
    card: ({ id }) => Promise.resolve(known.get(id)!.card),
  };

  return {
    registry: catalogue,
    objects: {
      get(ref) {
        const owner = [...known.values()].find(({ card }) =>
          [card.weights.sha256, card.training.sha256].includes(ref.sha256),
        );
        if (owner) return owner.get(ref);
        throw new TitrateError('artifact-missing', { what: `no model here has ${ref.sha256.slice(0, 12)}…` });
      },
    },
    async desired(campaignId) {
      const named = models.filter(({ version }) => versionParts(version.id).campaignId === campaignId).at(-1);
      if (!named) return null;
      const { id } = named.follows ? await follow(named) : named.version;
      const before = decided.get(campaignId);
      // An alias may go back to an earlier version: that is a later decision.
      if (before?.versionId !== id)
        decided.set(campaignId, { versionId: id, entry: (before?.entry ?? 0) + 1 });
      return decided.get(campaignId)!;
    },
  };
}
