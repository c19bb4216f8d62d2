import type { Chemistry } from '../../chemistry';
import {
  featurizerName,
  type ClassificationCard,
  type FeatureMatrix,
  type FeaturizerSpec,
  type ModelCard,
  type ModelMetrics,
  type RuntimePin,
  type Split,
  type TrainedCard,
  type TrainingRow,
} from '../../contracts';
import { concatFeatureRows, deriveSeed, hashOf } from '../../foundation';
import {
  applyCalibration,
  classificationMetricsWithIntervals,
  emptyPrediction,
  featurizersFor,
  regressionMetricsWithIntervals,
  SIMILARITY_FEATURIZER,
  trainRecipe,
  type FittedModel,
  type Learning,
  type RecipeFamilies,
  type RecipeResult,
  type SplitKeys,
} from '../../learning';
import { featuriseIsolating, figuresAt } from '../../serving';
import type { LabelTable } from './label-table';

/** Molecules featurised between two looks at the progress and the signal. */
const CHUNK = 512;

export interface TrainingProgress {
  (what: string, done: number, total: number): void;
}

interface Parts {
  readonly chemistry: Chemistry;
  readonly learning: Learning;
  readonly signal?: AbortSignal;
  readonly onProgress?: TrainingProgress;
}

export interface Featurised {
  readonly rows: readonly TrainingRow[];
  /** One matrix a spec; row i belongs to row i. */
  readonly matrices: readonly FeatureMatrix[];
  /** Molecules that could not be featurised, and why. */
  readonly left: readonly { readonly smiles: string; readonly message: string }[];
}

/** Features of all molecules under every spec. Memory: all of them at once, which training needs anyway. */
export async function featuriseRows(
  { chemistry, signal, onProgress }: Omit<Parts, 'learning'>,
  rows: readonly TrainingRow[],
  specs: readonly FeaturizerSpec[],
): Promise<Featurised> {
  const kept: TrainingRow[] = [];
  const left: { smiles: string; message: string }[] = [];
  const parts: FeatureMatrix[][] = specs.map(() => []);
  for (let at = 0; at < rows.length; at += CHUNK) {
    signal?.throwIfAborted();
    const chunk = rows.slice(at, at + CHUNK);
    const { runs, failures } = await featuriseIsolating(chemistry, chunk, specs);
    for (const { from, rows: count, matrices } of [...runs].sort((a, b) => a.from - b.from)) {
      kept.push(...chunk.slice(from, from + count));
      matrices.forEach((matrix, i) => parts[i]!.push(matrix));
    }
    for (const [row, { message }] of failures) left.push({ smiles: chunk[row]!.smiles, message });
    onProgress?.('featurising', Math.min(rows.length, at + CHUNK), rows.length);
  }
  return { rows: kept, matrices: kept.length ? parts.map((each) => concatFeatureRows(each)) : [], left };
}

/** Values of rows as models read them. */
export const columnOf = (rows: readonly TrainingRow[]) => ({
  targets: Float64Array.from(rows, ({ value }) => value),
  qualifiers: rows.map(({ qualifier }) => qualifier),
  replicates: Float64Array.from(rows, ({ replicates }) => replicates),
});

/** Trains by the recipe: the same table, family and seed on the same runtime give the same model. */
export async function trainOn(
  parts: Parts,
  { task, rows, dates }: Pick<LabelTable, 'task' | 'rows' | 'dates'>,
  {
    families,
    seed,
    split,
  }: { readonly families: RecipeFamilies; readonly seed: number; readonly split: Split },
): Promise<{ result: RecipeResult; featurised: Featurised }> {
  const specs = featurizersFor({ families, task, labels: rows.length });
  const featurised = await featuriseRows(parts, rows, [...specs, SIMILARITY_FEATURIZER]);
  const { matrices } = featurised;
  const result = await trainRecipe(parts.learning, {
    sets: specs.map((featurizer, i) => ({ featurizer, features: matrices[i]! })),
    labels: { ...columnOf(featurised.rows), task },
    families,
    seed,
    split: await splitKeysOf(parts.chemistry, featurised.rows, split, dates),
    fingerprints: matrices.at(-1)!,
    signal: parts.signal,
    onProgress: ({ phase, what, done, of }) => parts.onProgress?.(`${phase} ${what}`, done, of),
  });
  return { result, featurised };
}

/** What rows are held out by; null for a split at random. @param dates by moleculeId */
export async function splitKeysOf(
  chemistry: Chemistry,
  rows: readonly TrainingRow[],
  split: Split,
  dates: ReadonlyMap<string, string>,
): Promise<SplitKeys | null> {
  if (split === 'random') return null;
  const keys =
    split === 'time'
      ? rows.map(({ moleculeId }) => dates.get(moleculeId) ?? null)
      : await chemistry.scaffolds(rows.map(({ smiles }) => smiles));
  return { kind: split, keys };
}

/** Figures of a trained model on the molecules of another table, with 95 % intervals. */
export async function judgeOn(
  parts: Parts,
  model: FittedModel,
  card: Pick<TrainedCard, 'task' | 'calibration' | 'featurizer' | 'seed'>,
  table: Pick<LabelTable, 'rows'>,
): Promise<ModelMetrics> {
  // Bounds are no measurements: nothing is held against them.
  const measured = table.rows.filter(({ qualifier }) => qualifier === '=');
  const { rows, matrices } = await featuriseRows(parts, measured, [card.featurizer]);
  const observed = Float64Array.from(rows, ({ value }) => value);
  const predicted = rows.length
    ? applyCalibration(card.calibration, await model.predict(matrices[0]!, parts.signal))
    : emptyPrediction(0);
  const figures = rows.map((_, row) => figuresAt(card.task, predicted, row));
  const of = (key: 'value' | 'standardDeviation') =>
    Float64Array.from(figures, (each) => (each ? each[key] : NaN));
  const seed = deriveSeed(card.seed, 'test-bootstrap');
  return card.task === 'classification'
    ? classificationMetricsWithIntervals(observed, of('value'), seed)
    : regressionMetricsWithIntervals(observed, of('value'), of('standardDeviation'), seed);
}

export interface CardFacts {
  readonly name: string;
  readonly property: string;
  readonly unit?: string;
  readonly seed: number;
  readonly split: Split;
  /** sha256 of the bytes that were trained on. */
  readonly sourceSha256: string;
  readonly rows: readonly TrainingRow[];
  readonly runtime: RuntimePin;
  readonly code: string;
}

type Unplaced<C> = Omit<C, 'weights' | 'training'>;

/** The card of a model that was trained outside of any campaign: its data version and cut are hashes of the file and the table. */
export function cardOf(
  { trial, metrics, calibration, applicability }: RecipeResult,
  { name, property, unit, seed, split, sourceSha256, rows, runtime, code }: CardFacts,
): Unplaced<ModelCard> | Unplaced<ClassificationCard> {
  const common = {
    campaignId: name,
    round: 0,
    property,
    ...(unit !== undefined && { unit }),
    family: trial.settings.family,
    settings: trial.settings,
    featurizer: trial.featurizer,
    dataVersion: `sha256:${sourceSha256}`,
    cutId: `sha256:${hashOf(rows)}`,
    labels: rows.length,
    ...(split !== 'random' && { split }),
    ...(applicability && { applicability }),
    runtime,
    seed,
    code,
  };
  if (metrics.task === 'classification') {
    if (!('task' in calibration)) throw new TypeError('a classifier with the calibration of a regression');
    return { task: 'classification', ...common, metrics, calibration };
  }
  if ('task' in calibration) throw new TypeError('a regression with the calibration of a classifier');
  return { ...common, metrics, calibration };
}

/** What a card's model reads, in words. */
export const featuresOf = (card: Pick<TrainedCard, 'featurizer'>) => featurizerName(card.featurizer);
