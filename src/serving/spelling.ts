import { TitrateError, type ModelCard, type ModelVersion, type TrainingRow } from '../contracts';
import { decodeNdjson } from '../foundation';
import type { ObjectStore } from '../objects/object-store';
import type { MoleculeOutcome } from './loaded-model';
import type { Predictor } from './predictor';
import { respellSmiles } from './respelling';

/** One molecule in two writings. */
export interface SpellingPair {
  readonly smiles: string;
  readonly alternative: string;
}

/** How far predictions depend on how a molecule is written, in the unit of the property. */
export interface SpellingInvariance {
  /** Molecules compared. */
  readonly molecules: number;
  /** Largest absolute difference between the predictions of the two writings; 0 when nothing was compared. */
  readonly maxDifference: number;
  /** The pair with that difference. */
  readonly worst: {
    readonly smiles: string;
    readonly alternative: string;
    readonly difference: number;
  } | null;
  /** Pairs of which one writing or both could not be predicted, in words. */
  readonly failures: readonly string[];
}

export interface SpellingRequest {
  readonly predictor: Predictor;
  readonly objects: ObjectStore;
  readonly version: ModelVersion;
  readonly card: ModelCard;
  /** Molecules to compare, or fewer where the training set has fewer. Default 32. */
  readonly molecules?: number;
}

/**
 * Predicts training molecules of a model in two writings each, and compares. The molecules are spread evenly over the training
 * set, which is sorted by hash: the same ones every time, and a fair sample.
 * @throws TitrateError when the model cannot be loaded
 */
export async function spellingInvariance(request: SpellingRequest): Promise<SpellingInvariance> {
  const { predictor, objects, version, card, molecules = 32 } = request;
  const rows = decodeNdjson<TrainingRow>(await objects.get(card.training));
  const pairs = rows.flatMap(({ smiles }) => {
    const alternative = respellSmiles(smiles);
    return alternative === null ? [] : [{ smiles, alternative }];
  });
  const count = Math.min(molecules, pairs.length);
  const spread = Array.from(
    { length: count },
    (_, index) => pairs[Math.floor((index * pairs.length) / count)]!,
  );
  return compareSpellings(
    async (smiles) => (await predictor.predict(version.id, smiles)).predictions,
    spread,
  );
}

/**
 * Predicts each molecule in two writings and compares.
 * @param predict called once, with all the writings; outcome i belongs to SMILES i
 * @throws TitrateError whatever `predict` throws; `internal` when it answers with another number of predictions
 */
export async function compareSpellings(
  predict: (smiles: readonly string[]) => Promise<readonly MoleculeOutcome[]>,
  pairs: readonly SpellingPair[],
): Promise<SpellingInvariance> {
  const writings = pairs.flatMap((pair) => [pair.smiles, pair.alternative]);
  const predictions = writings.length ? await predict(writings) : [];
  if (predictions.length !== writings.length) {
    throw new TitrateError('internal', {
      what: `${writings.length} molecules were given and ${predictions.length} predictions came back`,
      where: 'spelling invariance',
    });
  }
  let worst: SpellingInvariance['worst'] = null;
  let molecules = 0;
  const failures: string[] = [];
  for (const [index, pair] of pairs.entries()) {
    const first = predictions[2 * index]!;
    const second = predictions[2 * index + 1]!;
    if ('error' in first) failures.push(`${first.smiles}: ${first.error}`);
    else if ('error' in second) failures.push(`${second.smiles}: ${second.error}`);
    else {
      molecules += 1;
      const difference = Math.abs(first.value - second.value);
      // A difference that is not a number counts as the worst there can be.
      if (!worst || !(difference <= worst.difference)) worst = { ...pair, difference };
    }
  }
  return { molecules, maxDifference: worst?.difference ?? 0, worst, failures };
}
