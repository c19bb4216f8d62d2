import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  canonicalJson,
  moleculeCapsSchema,
  type FeatureMatrix,
  standardisationNamed,
  type ModelVersion,
  type Molecule,
  type MoleculeCaps,
  type TrainedCard,
  type TrainingRow,
} from '../contracts';
import type { Chemistry, PreparedMolecule } from '../chemistry/chemistry';
import { matrixOfRows } from '../chemistry/feature-matrix';
import { decodeNdjson, type CancelSignal } from '../foundation';
import { applyCalibration } from '../learning/calibration';
import type { Learning } from '../learning/learning';
import type { ObjectStore } from '../objects/object-store';
import type { ModelCatalogue } from './catalogue';
import { figuresAt, type Figures } from './calibrated-figures';
import { featuriseIsolating } from './featurising';
import { PreparedMolecules } from './prepared-molecules';
import { indexTraining } from './similarity';
import { SIMILARITY_FEATURIZER } from '../learning/applicability';

/** What predicting needs. */
export interface ModelSources {
  readonly registry: Pick<ModelCatalogue, 'resolve' | 'card'>;
  readonly objects: Pick<ObjectStore, 'get'>;
  readonly chemistry: Chemistry;
  readonly learning: Learning;
  /** Caps on the molecules that are asked for. Default: the contracts' defaults. */
  readonly caps?: MoleculeCaps;
  /** Keeps what was worked out of molecules, with the caps that they are taken by. Default: nothing is kept. */
  readonly prepared?: PreparedMolecules;
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
  predict(smiles: readonly string[], signal?: CancelSignal): Promise<MoleculeOutcome[]>;
  /** The same for molecules that were standardised by the rules of the card. */
  predictStandard(molecules: readonly MoleculeKey[], signal?: CancelSignal): Promise<MoleculeOutcome[]>;
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
  const neighbours = await indexTraining(chemistry, training);
  const model = await learning.load(card.family, weights);

  const warnings: string[] = [];
  if (card.runtime.rdkit !== rdkit) {
    warnings.push(
      `trained on features of RDKit ${card.runtime.rdkit}; this process computes them with ${rdkit}`,
    );
  }
  if (neighbours.leftOut) {
    warnings.push(`${neighbours.leftOut} training molecules are left out of the similarity search`);
  }
  const caps = sources.caps ?? moleculeCapsSchema.parse({});
  const prepared = sources.prepared ?? new PreparedMolecules({ chemistry, caps, maxBytes: 0 });
  // By the rules its training set was standardised by, so that a molecule asked for meets itself there.
  const standardisation = standardisationNamed(card.runtime.ruleSet);

  const isSimilarity = canonicalJson(card.featurizer) === canonicalJson(SIMILARITY_FEATURIZER);
  const specs = isSimilarity ? [SIMILARITY_FEATURIZER] : [card.featurizer, SIMILARITY_FEATURIZER];

  const nearestTo = (queries: FeatureMatrix, row: number): MoleculePrediction['nearest'] => {
    const search = () => neighbours.nearest(queries, row);
    const found = prepared.nearest(version.id, queries.moleculeIds[row]!, search);
    if (!found) return null;
    const { moleculeId, smiles } = training[found.row]!;
    return { similarity: found.similarity, moleculeId, smiles };
  };
  const isApplicable = (nearest: MoleculePrediction['nearest']) =>
    card.applicability && nearest ? nearest.similarity >= card.applicability.threshold : null;

  /** Outcomes of featurised molecules. @param fingerprints for similarity, of the same rows */
  async function outcomesOf(
    molecules: readonly MoleculeKey[],
    features: FeatureMatrix,
    fingerprints: FeatureMatrix,
    signal?: CancelSignal,
  ): Promise<MoleculeOutcome[]> {
    const predicted = applyCalibration(card.calibration, await model.predict(features, signal));
    const outcomes: MoleculeOutcome[] = [];
    for (const [row, { smiles, moleculeId }] of molecules.entries()) {
      if (row % ROWS_A_TURN === ROWS_A_TURN - 1) await yieldToOthers();
      const figures = figuresAt(card.task, predicted, row);
      if (!figures) {
        const error = `the model gives no finite number for ${smiles}`;
        outcomes.push({ smiles, error, reason: 'numerical' });
        continue;
      }
      const nearest = nearestTo(fingerprints, row);
      const known = { smiles, standardSmiles: smiles, moleculeId };
      outcomes.push({ ...known, ...figures, nearest, applicable: isApplicable(nearest) });
    }
    return outcomes;
  }

  async function predictStandard(
    molecules: readonly MoleculeKey[],
    signal?: CancelSignal,
  ): Promise<MoleculeOutcome[]> {
    const outcomes: MoleculeOutcome[] = [];
    const features = await featuriseIsolating(chemistry, molecules, specs);
    for (const [at, error] of features.failures)
      outcomes[at] = { smiles: molecules[at]!.smiles, error: error.message, reason: error.code };
    for (const { from, rows, matrices } of features.runs) {
      const run = molecules.slice(from, from + rows);
      const predicted = await outcomesOf(run, matrices[0]!, matrices.at(-1)!, signal);
      predicted.forEach((outcome, row) => (outcomes[from + row] = outcome));
    }
    return outcomes;
  }

  async function predict(smiles: readonly string[], signal?: CancelSignal): Promise<MoleculeOutcome[]> {
    const outcomes = await prepared.prepare(smiles, standardisation, specs);
    signal?.throwIfAborted();
    const good = outcomes.filter(isSound);
    const ids = good.map(({ molecule }) => molecule.moleculeId);
    const matrices = specs.map((spec, i) =>
      matrixOfRows(
        spec,
        ids,
        good.map(({ rows }) => rows[i]!),
      ),
    );
    const molecules = good.map(({ molecule }) => molecule);
    const predicted = good.length ? await outcomesOf(molecules, matrices[0]!, matrices.at(-1)!, signal) : [];
    let next = 0;
    return outcomes.map((outcome, at): MoleculeOutcome => {
      const asked = smiles[at]!;
      if (!outcome.ok) return { smiles: asked, error: outcome.message, reason: outcome.reason };
      return { ...predicted[next++]!, smiles: asked };
    });
  }

  return {
    version,
    card,
    warnings,
    dispose: () => model.dispose(),
    predictStandard,
    predict,
  };
}

const isSound = (outcome: PreparedMolecule) => outcome.ok;
