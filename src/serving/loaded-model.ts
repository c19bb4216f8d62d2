import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  moleculeCapsSchema,
  standardisationNamed,
  type ModelCard,
  type ModelVersion,
  type Molecule,
  type MoleculeCaps,
  type TrainingRow,
} from '../contracts';
import type { Chemistry } from '../chemistry/chemistry';
import { decodeNdjson, Z90 } from '../foundation';
import type { FittedModel, Learning } from '../learning/learning';
import type { ObjectStore } from '../objects/object-store';
import type { ModelRegistry } from '../tracking/registry';
import { featuriseIsolating } from './featurising';
import { NeighbourIndex, SIMILARITY_FEATURIZER } from './neighbours';

/** What predicting needs. */
export interface ModelSources {
  readonly registry: ModelRegistry;
  readonly objects: ObjectStore;
  readonly chemistry: Chemistry;
  readonly learning: Learning;
  /** Caps on the molecules that are asked for. Default: the contracts' defaults. */
  readonly caps?: MoleculeCaps;
}

/** A prediction in the unit of the property. standardDeviation^2 = aleatoric^2 + epistemic^2, all three calibrated. */
export interface MoleculePrediction {
  /** As it was asked for. */
  readonly smiles: string;
  readonly standardSmiles: string;
  readonly moleculeId: string;
  readonly value: number;
  readonly standardDeviation: number;
  readonly aleatoric: number;
  readonly epistemic: number;
  /** Central 90 % interval, lower and upper end. */
  readonly interval90: readonly [number, number];
  /** The nearest training molecule by Tanimoto on ECFP4, 2,048 bits; null for a model without training molecules. */
  readonly nearest: {
    readonly similarity: number;
    readonly moleculeId: string;
    readonly smiles: string;
  } | null;
}

export interface MoleculeFailure {
  readonly smiles: string;
  readonly error: string;
  /** A quarantine reason such as `molecule-unparsable`, or a TitrateError code. */
  readonly reason: string;
}

export type MoleculeOutcome = MoleculePrediction | MoleculeFailure;

/** One model version in memory. */
export interface LoadedModel {
  readonly version: ModelVersion;
  readonly card: ModelCard;
  /** Circumstances that a reader of its predictions should know of, in words. */
  readonly warnings: readonly string[];
  /** Outcome i belongs to SMILES i; a bad molecule is an outcome, not an exception. */
  predict(smiles: readonly string[], signal?: AbortSignal): Promise<MoleculeOutcome[]>;
  dispose(): void;
}

/** Molecules handled between two turns of the event loop: a few milliseconds of similarity search. */
const ROWS_A_TURN = 128;

/**
 * Loads a model version: card, weights, and its training molecules as an index of nearest neighbours.
 * @throws TitrateError artifact-missing, artifact-corrupt, not-found, or what the model family's loader throws
 */
export async function loadModel(sources: ModelSources, version: ModelVersion): Promise<LoadedModel> {
  const { registry, objects, chemistry, learning } = sources;
  const card = await registry.card(version);
  const [weights, training, rdkit] = await Promise.all([
    objects.get(card.weights),
    objects.get(card.training).then((bytes) => decodeNdjson<TrainingRow>(bytes)),
    chemistry.version(),
  ]);
  const neighbours = await featuriseIsolating(chemistry, training, [SIMILARITY_FEATURIZER]);
  const model = await learning.load(card.family, weights);

  const warnings: string[] = [];
  if (card.runtime.rdkit !== rdkit) {
    warnings.push(
      `trained on features of RDKit ${card.runtime.rdkit}; this process computes them with ${rdkit}`,
    );
  }
  if (neighbours.failures.size) {
    warnings.push(`${neighbours.failures.size} training molecules are left out of the similarity search`);
  }
  // A neighbour's row counts within its run; runs follow one another with gaps where a molecule was left out.
  const indexes = neighbours.runs.map(({ from, matrices }) => ({
    from,
    index: new NeighbourIndex(matrices[0]!),
  }));
  const caps = sources.caps ?? moleculeCapsSchema.parse({});
  // By the rules its training set was standardised by, so that a molecule asked for meets itself there.
  const standardisation = standardisationNamed(card.runtime.ruleSet);

  return {
    version,
    card,
    warnings,
    dispose: () => model.dispose(),
    async predict(smiles, signal) {
      const standardised = await chemistry.standardise(
        smiles.map((text) => ({ notation: 'smiles', text })),
        caps,
        standardisation,
      );
      const outcomes: MoleculeOutcome[] = [];
      const good: { at: number; molecule: Molecule }[] = [];
      standardised.forEach((outcome, at) => {
        if (outcome.ok) good.push({ at, molecule: outcome.molecule });
        else outcomes[at] = { smiles: smiles[at]!, error: outcome.message, reason: outcome.reason };
      });
      signal?.throwIfAborted();
      const features = await featuriseIsolating(
        chemistry,
        good.map(({ molecule }) => molecule),
        [card.featurizer, SIMILARITY_FEATURIZER],
      );
      for (const [position, error] of features.failures) {
        const { at } = good[position]!;
        outcomes[at] = { smiles: smiles[at]!, error: error.message, reason: error.code };
      }
      for (const { from, rows, matrices } of features.runs) {
        const predicted = await model.predict(matrices[0]!, signal);
        for (let row = 0; row < rows; row++) {
          if (row % ROWS_A_TURN === ROWS_A_TURN - 1) await yieldToOthers();
          const { at, molecule } = good[from + row]!;
          const figures = calibrated(card, predicted, row);
          if (!figures) {
            const error = `the model gives no finite number for ${molecule.smiles}`;
            outcomes[at] = { smiles: smiles[at]!, error, reason: 'numerical' };
            continue;
          }
          let nearest: MoleculePrediction['nearest'] = null;
          for (const { from: first, index } of indexes) {
            const found = index.nearest(matrices[1]!, row);
            if (!found || (nearest && found.similarity <= nearest.similarity)) continue;
            const { moleculeId, smiles: trained } = training[first + found.row]!;
            nearest = { similarity: found.similarity, moleculeId, smiles: trained };
          }
          outcomes[at] = {
            smiles: smiles[at]!,
            standardSmiles: molecule.smiles,
            moleculeId: molecule.moleculeId,
            ...figures,
            nearest,
          };
        }
      }
      return outcomes;
    },
  };
}

type Figures = Pick<
  MoleculePrediction,
  'value' | 'standardDeviation' | 'aleatoric' | 'epistemic' | 'interval90'
>;

/** Calibration scales the total standard deviation, and so both of its parts alike. */
function calibrated(
  { calibration }: ModelCard,
  predicted: Awaited<ReturnType<FittedModel['predict']>>,
  row: number,
): Figures | null {
  const value = predicted.mean[row]!;
  const aleatoric = calibration.scale * predicted.aleatoric[row]!;
  const epistemic = calibration.scale * predicted.epistemic[row]!;
  const standardDeviation = Math.hypot(aleatoric, epistemic);
  const half = Z90 * standardDeviation;
  if (!Number.isFinite(value) || !Number.isFinite(half)) return null;
  return { value, standardDeviation, aleatoric, epistemic, interval90: [value - half, value + half] };
}
