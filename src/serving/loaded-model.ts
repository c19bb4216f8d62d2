import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  moleculeCapsSchema,
  type FeatureMatrix,
  standardisationNamed,
  type ModelVersion,
  type Molecule,
  type MoleculeCaps,
  type TrainedCard,
  type TrainingRow,
} from '../contracts';
import type { Chemistry } from '../chemistry/chemistry';
import { decodeNdjson } from '../foundation';
import { applyCalibration } from '../learning/calibration';
import type { Learning } from '../learning/learning';
import type { ObjectStore } from '../objects/object-store';
import type { ModelRegistry } from '../tracking/registry';
import { figuresAt, type Figures } from './calibrated-figures';
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

/** Where one model's bytes are: its card, and its artifacts. */
export interface LoadSources extends Omit<ModelSources, 'registry' | 'objects'> {
  readonly registry: { card(version: ModelVersion): Promise<TrainedCard> };
  readonly objects: Pick<ObjectStore, 'get'>;
}

export interface MoleculePrediction extends Figures {
  /** As it was asked for. */
  readonly smiles: string;
  readonly standardSmiles: string;
  readonly moleculeId: string;
  /** The nearest training molecule by Tanimoto on ECFP4, 2,048 bits; null for a model without training molecules. */
  readonly nearest: {
    readonly similarity: number;
    readonly moleculeId: string;
    readonly smiles: string;
  } | null;
  /** Whether the nearest training molecule is near enough for the card's figures to mean anything here; null where it is not known. */
  readonly applicable: boolean | null;
}

export interface MoleculeFailure {
  readonly smiles: string;
  readonly error: string;
  /** A quarantine reason such as `molecule-unparsable`, or a TitrateError code. */
  readonly reason: string;
}

export type MoleculeOutcome = MoleculePrediction | MoleculeFailure;

export type MoleculeKey = Pick<Molecule, 'moleculeId' | 'smiles'>;

/** One model version in memory. */
export interface LoadedModel {
  readonly version: ModelVersion;
  readonly card: TrainedCard;
  /** Circumstances that a reader of its predictions should know of, in words. */
  readonly warnings: readonly string[];
  /** Outcome i belongs to SMILES i; a bad molecule is an outcome, not an exception. */
  predict(smiles: readonly string[], signal?: AbortSignal): Promise<MoleculeOutcome[]>;
  /** The same for molecules that were standardised by the rules of the card. */
  predictStandard(molecules: readonly MoleculeKey[], signal?: AbortSignal): Promise<MoleculeOutcome[]>;
  dispose(): void;
}

/** Molecules handled between two turns of the event loop: a few milliseconds of similarity search. */
const ROWS_A_TURN = 128;

/**
 * Loads a model version: card, weights, and its training molecules as an index of nearest neighbours.
 * @throws TitrateError artifact-missing, artifact-corrupt, not-found, or what the model family's loader throws
 */
export async function loadModel(sources: LoadSources, version: ModelVersion): Promise<LoadedModel> {
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

  const nearestTo = (queries: FeatureMatrix, row: number): MoleculePrediction['nearest'] => {
    let nearest: MoleculePrediction['nearest'] = null;
    for (const { from, index } of indexes) {
      const found = index.nearest(queries, row);
      if (!found || (nearest && found.similarity <= nearest.similarity)) continue;
      const { moleculeId, smiles } = training[from + found.row]!;
      nearest = { similarity: found.similarity, moleculeId, smiles };
    }
    return nearest;
  };
  const isApplicable = (nearest: MoleculePrediction['nearest']) =>
    card.applicability && nearest ? nearest.similarity >= card.applicability.threshold : null;

  async function predictStandard(
    molecules: readonly MoleculeKey[],
    signal?: AbortSignal,
  ): Promise<MoleculeOutcome[]> {
    const outcomes: MoleculeOutcome[] = [];
    const features = await featuriseIsolating(chemistry, molecules, [card.featurizer, SIMILARITY_FEATURIZER]);
    for (const [at, error] of features.failures)
      outcomes[at] = { smiles: molecules[at]!.smiles, error: error.message, reason: error.code };
    for (const { from, rows, matrices } of features.runs) {
      const predicted = applyCalibration(card.calibration, await model.predict(matrices[0]!, signal));
      for (let row = 0; row < rows; row++) {
        if (row % ROWS_A_TURN === ROWS_A_TURN - 1) await yieldToOthers();
        const { smiles, moleculeId } = molecules[from + row]!;
        const figures = figuresAt(card.task, predicted, row);
        if (!figures) {
          const error = `the model gives no finite number for ${smiles}`;
          outcomes[from + row] = { smiles, error, reason: 'numerical' };
          continue;
        }
        const nearest = nearestTo(matrices[1]!, row);
        const known = { smiles, standardSmiles: smiles, moleculeId };
        outcomes[from + row] = { ...known, ...figures, nearest, applicable: isApplicable(nearest) };
      }
    }
    return outcomes;
  }

  return {
    version,
    card,
    warnings,
    dispose: () => model.dispose(),
    predictStandard,
    async predict(smiles, signal) {
      const standardised = await chemistry.standardise(
        smiles.map((text) => ({ notation: 'smiles', text })),
        caps,
        standardisation,
      );
      signal?.throwIfAborted();
      const good = standardised.flatMap((outcome) => (outcome.ok ? [outcome.molecule] : []));
      const predicted = await predictStandard(good, signal);
      let next = 0;
      return standardised.map((outcome, at): MoleculeOutcome => {
        const asked = smiles[at]!;
        if (!outcome.ok) return { smiles: asked, error: outcome.message, reason: outcome.reason };
        return { ...predicted[next++]!, smiles: asked };
      });
    },
  };
}
