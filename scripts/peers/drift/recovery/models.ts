/** The models of a replayed campaign: a Gaussian process on the features that it has settled for, and what it says of rows. */
import type { FitSurrogate, ReplaySurrogate } from '../../../../src/acquisition';
import { deriveSeed, selectFeatureRows } from '../../../../src/foundation';
import { NeighbourIndex, totalDeviation, type LabelledSet } from '../../../../src/learning';
import type { DriftSample } from '../../../../src/drift';
import { sampleOfRows, type Library } from './library';
import type { Measured } from './desk';

/** A model with the molecules that it knows and the features that it reads. */
export interface CampaignModel {
  readonly surrogate: ReplaySurrogate;
  readonly featurizer: number;
  readonly trained: ReadonlySet<number>;
  /** Of its training molecules. */
  readonly index: NeighbourIndex;
  readonly labels: number;
}

const usable = (measured: readonly Measured[]) => measured.filter(({ value }) => Number.isFinite(value));

export async function trainOn(
  library: Library,
  measured: readonly Measured[],
  featurizer: number,
  fit: FitSurrogate,
  seed: number,
): Promise<CampaignModel> {
  const known = usable(measured);
  const rows = known.map(({ row }) => row);
  const labelled: LabelledSet = {
    features: selectFeatureRows(library.features[featurizer]!, rows),
    targets: Float64Array.from(known, ({ value }) => value),
    qualifiers: known.map(() => '='),
    replicates: new Float64Array(known.length).fill(1),
  };
  return {
    surrogate: await fit(labelled, deriveSeed(seed, 'fit')),
    ...{ featurizer, trained: new Set(rows), labels: rows.length },
    index: new NeighbourIndex(selectFeatureRows(library.fingerprints, rows)),
  };
}

/** Tries every featurizer on what is known and settles for the one that predicts the labels best, each without itself. */
export async function explore(
  library: Library,
  measured: readonly Measured[],
  fit: FitSurrogate,
  seed: number,
): Promise<CampaignModel> {
  let best: CampaignModel | null = null;
  for (const featurizer of library.features.keys()) {
    const model = await trainOn(library, measured, featurizer, fit, seed);
    const error = (each: CampaignModel) => each.surrogate.heldOut?.rmse ?? Infinity;
    if (!best || error(model) < error(best)) {
      best?.surrogate.model.dispose();
      best = model;
    } else model.surrogate.model.dispose();
  }
  return best!;
}

/** Means and calibrated standard deviations of rows. */
export async function predictRows(library: Library, model: CampaignModel, rows: readonly number[]) {
  const features = selectFeatureRows(library.features[model.featurizer]!, rows);
  const predicted = await model.surrogate.model.predict(features);
  const deviation = totalDeviation(predicted).map((sd) => sd * model.surrogate.calibrationScale);
  return { mean: predicted.mean, deviation };
}

/** Rows with what the model says of them; what it learnt from counts for nothing. */
export async function askedSample(
  library: Library,
  model: CampaignModel,
  rows: readonly number[],
): Promise<DriftSample> {
  const { mean, deviation } = await predictRows(library, model, rows);
  const isTrained = rows.map((row) => model.trained.has(row));
  const unseen = (values: Float64Array) => values.map((value, i) => (isTrained[i] ? NaN : value));
  return {
    ...sampleOfRows(library, rows),
    predicted: unseen(mean),
    deviation: unseen(deviation),
    similarity: Float64Array.from(rows, (row, i) =>
      isTrained[i] ? NaN : (model.index.nearest(library.fingerprints, row)?.similarity ?? NaN),
    ),
  };
}
