import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import {
  MEDIA_TYPES,
  TitrateError,
  type ArtifactRef,
  type ClassificationCard,
  type ModelCard,
  type TrainedCard,
} from '../../contracts';
import { sha256 } from '../../foundation';
import { renderModelCard } from '../model-card';
import { MODEL_FILES, newManifest, parseManifest } from './manifest';

type Unplaced<C> = Omit<C, 'weights' | 'training'>;

export interface NewModel {
  readonly card: Unplaced<ModelCard> | Unplaced<ClassificationCard>;
  readonly weights: Uint8Array;
  /** NDJSON of TrainingRow. */
  readonly training: Uint8Array;
  /** NDJSON of held-out predictions. */
  readonly heldOut?: Uint8Array;
}

/**
 * Whether a model may be written to a directory: it is not there, is empty, or holds a model and nothing else.
 * @throws contradiction, naming what is in the way
 */
export async function checkModelTarget(directory: string): Promise<'free' | 'model'> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new TitrateError('contradiction', {
      what: error.code === 'ENOTDIR' ? 'this is a file' : `it cannot be looked into (${error.code})`,
      where: directory,
      remedy: 'Name another directory',
    });
  });
  if (names.length === 0) return 'free';
  const file = path.join(directory, MODEL_FILES.manifest);
  const manifest = await readFile(file, 'utf8').then(
    (text) => parseManifest(text, file),
    () => null,
  );
  const own = new Set([MODEL_FILES.manifest, ...Object.keys(manifest?.files ?? {})]);
  const foreign = manifest ? names.filter((name) => !own.has(name)) : names;
  if (foreign.length === 0) return 'model';
  throw new TitrateError('contradiction', {
    what: `it holds something else than a model: ${foreign.slice(0, 5).join(', ')}${foreign.length > 5 ? ', …' : ''}`,
    where: directory,
    remedy: 'Name a directory that is empty or not there yet',
  });
}

/**
 * Writes a model as a directory of its own: beside the place first, then by a rename, so that whoever looks finds all of it or
 * nothing. A model that was there goes when the new one is in its place.
 * @throws contradiction as `checkModelTarget`
 */
export async function writeModelDirectory(directory: string, model: NewModel): Promise<TrainedCard> {
  const target = path.resolve(directory);
  const before = await checkModelTarget(target);
  const refTo = (file: string, bytes: Uint8Array, mediaType: string): ArtifactRef => ({
    uri: file,
    sha256: sha256(bytes),
    bytes: bytes.byteLength,
    mediaType,
  });
  const card = {
    ...model.card,
    weights: refTo(MODEL_FILES.weights, model.weights, MEDIA_TYPES.model),
    training: refTo(MODEL_FILES.training, model.training, MEDIA_TYPES.ndjson),
  } as TrainedCard;
  const name = path.basename(target);
  const files: Record<string, Uint8Array> = {
    [MODEL_FILES.card]: Buffer.from(`${JSON.stringify(card, null, 2)}\n`),
    [MODEL_FILES.document]: Buffer.from(renderModelCard(card, name)),
    [MODEL_FILES.weights]: model.weights,
    [MODEL_FILES.training]: model.training,
    ...(model.heldOut && { [MODEL_FILES.heldOut]: model.heldOut }),
  };
  const manifest = newManifest({
    name,
    code: card.code ?? 'unknown',
    files: Object.fromEntries(
      Object.entries(files).map(([file, bytes]) => [
        file,
        { sha256: sha256(bytes), bytes: bytes.byteLength },
      ]),
    ),
  });
  files[MODEL_FILES.manifest] = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);

  const beside = path.join(path.dirname(target), `.${name}.${process.pid}-${randomUUID()}`);
  const old = `${beside}.old`;
  await mkdir(beside, { recursive: true });
  try {
    for (const [file, bytes] of Object.entries(files)) await writeDurably(path.join(beside, file), bytes);
    if (before === 'model') await rename(target, old);
    else await rmdir(target).catch(() => undefined);
    await rename(beside, target);
  } finally {
    await rm(beside, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
  return card;
}

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
