import { modelVersionId, TitrateError, type ModelVersion } from '../contracts';
import type { CancelSignal } from '../foundation';
import type { ModelSources, MoleculeOutcome } from './loaded-model';
import { ModelCache, type ModelCacheOptions } from './model-cache';

/** Predictions, and which model made them. */
export interface NamedPredictions {
  /** Campaign whose model it is. */
  readonly model: string;
  /** `v3` */
  readonly version: string;
  readonly property: string;
  readonly unit: string | null;
  readonly predictions: readonly MoleculeOutcome[];
}

/** Predicts with registered models in this process, without a server. */
export interface Predictor {
  /**
   * @param modelName `solubility-42/v3`, or `solubility-42@production` for an alias
   * @param smiles any number of molecules; outcome i belongs to SMILES i
   * @throws TitrateError not-found naming the known versions; artifact-missing or artifact-corrupt when it cannot be loaded
   */
  predict(modelName: string, smiles: readonly string[], signal?: CancelSignal): Promise<NamedPredictions>;
  /** Frees the models. The ports stay open: they are the caller's. */
  close(): Promise<void>;
}

/** A predictor that keeps the models it used loaded for a while. */
export function createPredictor(sources: ModelSources, options: ModelCacheOptions = {}): Predictor {
  const cache = new ModelCache(sources, options);
  return {
    async predict(modelName, smiles, signal) {
      return predictWith(cache, await sources.registry.resolve(modelName), smiles, signal);
    },
    close: () => cache.close(),
  };
}

/**
 * Predicts with one version out of a cache. A model whose thread died under it is loaded anew, once.
 * @throws TitrateError what loading and predicting throw
 */
export async function predictWith(
  cache: ModelCache,
  version: ModelVersion,
  smiles: readonly string[],
  signal?: CancelSignal,
): Promise<NamedPredictions> {
  try {
    return await predictOnce(cache, version, smiles, signal);
  } catch (error) {
    if (!(error instanceof TitrateError) || error.code !== 'thread-died') throw error;
    return predictOnce(cache, version, smiles, signal);
  }
}

async function predictOnce(
  cache: ModelCache,
  version: ModelVersion,
  smiles: readonly string[],
  signal?: CancelSignal,
): Promise<NamedPredictions> {
  const { model, release } = await cache.lease(version);
  try {
    const { campaignId, property, unit } = model.card;
    const predictions = await model.predict(smiles, signal);
    return {
      model: campaignId,
      version: versionLabel(model.version),
      property,
      unit: unit ?? null,
      predictions,
    };
  } catch (error) {
    if (error instanceof TitrateError && error.code === 'thread-died') cache.discard(model);
    throw error;
  } finally {
    release();
  }
}

/** `v3`, as it stands in a version's id. */
export function versionLabel({ number }: Pick<ModelVersion, 'number'>): string {
  return modelVersionId('', number).slice(1);
}
