import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createChemistry, type Chemistry } from '../../../src/chemistry';
import {
  MEDIA_TYPES,
  moleculeCapsSchema,
  standardisationSchema,
  type ModelCard,
  type ModelVersion,
  type TrainingRow,
} from '../../../src/contracts';
import { encodeNdjson } from '../../../src/foundation';
import { createLearning, type Learning } from '../../../src/learning';
import {
  createFileObjectStore,
  createPointerLog,
  type ObjectStore,
  type PointerLog,
} from '../../../src/objects';
import { createModelRegistry, type ModelRegistry } from '../../../src/tracking';
import { makeCard } from './card';

/** Thirty small molecules with chains, rings, hetero atoms and stereo. */
export const MOLECULES = [
  'CCO', 'CCCO', 'CCCCO', 'CCCCCO', 'CC(C)O', 'CCN', 'CCCN', 'CCCCN', 'CC(=O)O', 'CCC(=O)O',
  'CCCC(=O)O', 'c1ccccc1', 'Cc1ccccc1', 'CCc1ccccc1', 'Oc1ccccc1', 'Nc1ccccc1', 'Clc1ccccc1', 'Brc1ccccc1', 'c1ccncc1', 'c1ccc2ccccc2c1',
  'CC(=O)Oc1ccccc1C(=O)O', 'CC(=O)Nc1ccc(O)cc1', 'C1CCCCC1', 'OC1CCCCC1', 'C1CCNCC1', 'C1COCCN1', 'N[C@@H](C)C(=O)O', 'C/C=C/C', 'CCOC(C)=O', 'CCCCCCCC',
]; // prettier-ignore

export interface World {
  readonly directory: string;
  readonly objects: ObjectStore;
  readonly pointers: PointerLog;
  readonly registry: ModelRegistry;
  readonly chemistry: Chemistry;
  readonly learning: Learning;
  /** Trains on the molecules and registers. `shift` is added to every target, which tells versions apart by their predictions. */
  train(campaignId: string, shift?: number, changes?: Partial<ModelCard>): Promise<ModelVersion>;
  /** Registers a version whose weights are `weights`, or, left out, in no store. Its training set is empty. */
  registerBroken(campaignId: string, weights?: Uint8Array): Promise<ModelVersion>;
  close(): Promise<void>;
}

/** A synthetic property: carbons count for one half, other atoms against. */
export const targetOf = (smiles: string) =>
  (smiles.match(/[Cc](?!l)/g)?.length ?? 0) / 2 - (smiles.match(/[NOno]/g)?.length ?? 0);

/** Real storage in a temporary directory, real chemistry and real learning. */
export async function openWorld(): Promise<World> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'titrate-serving-'));
  const objects = createFileObjectStore(path.join(directory, 'objects'));
  const pointers = createPointerLog(objects);
  const registry = createModelRegistry({ objects, pointers });
  const chemistry = createChemistry({ threads: 1 });
  const learning = createLearning({ threads: 1, backend: 'cpu' });
  let operations = 0;

  const train: World['train'] = async (campaignId, shift = 0, changes = {}) => {
    const outcomes = await chemistry.standardise(
      MOLECULES.map((text) => ({ notation: 'smiles', text })),
      moleculeCapsSchema.parse({}),
      standardisationSchema.parse({}),
    );
    const rows = outcomes
      .map((outcome): TrainingRow => {
        if (!outcome.ok) throw new Error(outcome.message);
        const { moleculeId, smiles } = outcome.molecule;
        return {
          moleculeId,
          smiles,
          value: targetOf(smiles) + shift,
          qualifier: '=',
          replicates: 1,
          spread: 0,
        };
      })
      .sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1));
    const card = makeCard({ campaignId, ...changes });
    const model = await learning.fit({
      settings: card.settings,
      seed: 1,
      labelled: {
        features: await chemistry.featurise(rows, card.featurizer),
        targets: Float64Array.from(rows, (row) => row.value),
        qualifiers: rows.map((row) => row.qualifier),
        replicates: Float64Array.from(rows, (row) => row.replicates),
      },
    });
    try {
      const runtime = { ...card.runtime, rdkit: await chemistry.version() };
      const weights = await objects.put(await model.serialise(), MEDIA_TYPES.model);
      const training = await objects.put(encodeNdjson(rows), MEDIA_TYPES.ndjson);
      return await registry.register(
        campaignId,
        { ...card, weights, training, runtime },
        `train/${(operations += 1)}`,
      );
    } finally {
      model.dispose();
    }
  };

  return {
    directory,
    objects,
    pointers,
    registry,
    chemistry,
    learning,
    train,
    async registerBroken(campaignId, weights) {
      const changes = weights && {
        weights: await objects.put(weights, MEDIA_TYPES.model),
        training: await objects.put(encodeNdjson([]), MEDIA_TYPES.ndjson),
      };
      return registry.register(
        campaignId,
        makeCard({ campaignId, ...changes }),
        `broken/${(operations += 1)}`,
      );
    },
    async close() {
      await Promise.all([chemistry.close(), learning.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Waits until `check` gives something truthy; fails after ten seconds. */
export async function eventually<T>(check: () => Promise<T | null | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + 10_000; ;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > deadline) throw new Error('it did not come true within ten seconds');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

/** One HTTP exchange with a JSON answer: a POST when there is a body. */
export async function ask(url: string, body?: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body), headers };
  const response = await fetch(url, { ...post, signal: AbortSignal.timeout(20_000) });
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, headers: response.headers, type, body: await response.json() };
}
