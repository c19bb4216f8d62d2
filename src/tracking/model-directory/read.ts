import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  MEDIA_TYPES,
  modelVersionId,
  TitrateError,
  type ArtifactRef,
  type ModelVersion,
  type TrainedCard,
} from '../../contracts';
import { sha256 } from '../../foundation';
import { MODEL_FILES, parseManifest, type ModelManifest } from './manifest';

/** A trained model as it lies in a directory; bytes are read when they are asked for, and checked against the manifest. */
export interface ModelDirectory {
  readonly directory: string;
  readonly name: string;
  readonly version: ModelVersion;
  readonly card: TrainedCard;
  /** The bytes of one of the model's artifacts. @throws artifact-missing, artifact-corrupt */
  get(ref: Pick<ArtifactRef, 'sha256'>): Promise<Buffer>;
}

/** Whether a directory says of itself that it holds a model. */
export async function isModelDirectory(directory: string): Promise<boolean> {
  const found = await stat(path.join(directory, MODEL_FILES.manifest)).catch(() => null);
  return found?.isFile() ?? false;
}

/** @throws source-missing when there is no directory; artifact-missing, artifact-corrupt, runtime-mismatch. */
export async function openModelDirectory(directory: string): Promise<ModelDirectory> {
  const manifest = await readManifest(directory);
  const bytesOf = async (name: string): Promise<Buffer> => {
    const file = path.join(directory, name);
    const expected = manifest.files[name];
    const bytes = expected ? await readFile(file).catch(() => null) : null;
    if (!bytes) {
      throw new TitrateError('artifact-missing', {
        what: 'this file of the model is not there',
        where: file,
        remedy: 'Copy the whole directory, or train the model again',
      });
    }
    if (bytes.length !== expected!.bytes || sha256(bytes) !== expected!.sha256) {
      throw new TitrateError('artifact-corrupt', {
        what: `its bytes are not those the model was written with (sha256 ${expected!.sha256.slice(0, 12)}…)`,
        where: file,
        remedy: 'Copy the directory anew, or train the model again',
      });
    }
    return bytes;
  };
  const text = (await bytesOf(MODEL_FILES.card)).toString('utf8');
  const card = JSON.parse(text) as TrainedCard;
  return {
    directory,
    name: manifest.name,
    version: {
      id: modelVersionId(card.campaignId, 1),
      number: 1,
      card: { uri: MODEL_FILES.card, ...manifest.files[MODEL_FILES.card]!, mediaType: MEDIA_TYPES.json },
    },
    card,
    async get({ sha256: wanted }) {
      const name = Object.keys(manifest.files).find((file) => manifest.files[file]!.sha256 === wanted);
      if (name) return bytesOf(name);
      throw new TitrateError('artifact-missing', {
        what: `no file of the model has sha256 ${wanted.slice(0, 12)}…`,
        where: directory,
      });
    },
  };
}

async function readManifest(directory: string): Promise<ModelManifest> {
  const file = path.join(directory, MODEL_FILES.manifest);
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text !== null) return parseManifest(text, file);
  const there = await stat(directory).catch(() => null);
  throw new TitrateError('source-missing', {
    what: there ? `this holds no model: there is no ${MODEL_FILES.manifest}` : 'there is no such directory',
    where: directory,
    remedy: "Give a directory that 'titrate train --output' wrote",
  });
}
