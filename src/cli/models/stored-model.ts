import { isAbsolute, sep } from 'node:path';
import type { ArtifactRef, ModelVersion, TrainedCard } from '../../contracts';
import type { Ports } from '../../platform/composition';
import { isModelDirectory, openModelDirectory } from '../../tracking';

/** A trained model where it is kept: in the registry, or in a directory of its own. */
export interface StoredModel {
  /** `solubility-42/v3`, or the directory's name. */
  readonly name: string;
  readonly version: ModelVersion;
  readonly card: TrainedCard;
  /** null for a model of the registry. */
  readonly directory: string | null;
  get(ref: Pick<ArtifactRef, 'sha256'>): Promise<Buffer>;
}

/** Whether a name can only be a place on the disk. */
const isPath = (name: string) =>
  name.startsWith('.') || isAbsolute(name) || (name.includes(sep) && !/^[^/\\]+[/]v?\d+$/.test(name));

/**
 * The model a name stands for: a directory that holds one, else a registered version (`campaign/v3`), an alias
 * (`campaign@candidate`), or what a campaign serves (`campaign`).
 * @throws not-found, source-missing, artifact-missing, artifact-corrupt
 */
export async function storedModel(
  { registry, objects }: Pick<Ports, 'registry' | 'objects'>,
  name: string,
): Promise<StoredModel> {
  if (isPath(name) || (await isModelDirectory(name))) {
    const { directory, name: own, version, card, get } = await openModelDirectory(name);
    return { name: own, version, card, directory, get };
  }
  const version = await registry.resolve(/[/@]/.test(name) ? name : `${name}@production`);
  return {
    name: version.id,
    version,
    card: await registry.card(version),
    directory: null,
    get: (ref) => objects.get(ref),
  };
}
