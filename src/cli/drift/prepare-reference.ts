import { matrixOfRows } from '../../chemistry';
import { driftReference, isCompared, MINIMUM, type DriftReference, type DriftSample } from '../../drift';
import { NeighbourIndex, SIMILARITY_FEATURIZER } from '../../learning';
import type { FileSample } from './file-sample';

/** A reference to look at windows with, and what of a window depends on it. */
export interface PreparedReference {
  readonly reference: DriftReference;
  /** The window as it goes with this reference. */
  windowOf(prepared: FileSample): DriftSample;
  readonly notes: readonly string[];
}

/** Relative difference from which a prediction is another one. */
const OTHER = 1e-3;

const finite = (values: Float64Array | null) =>
  values ? values.reduce((n, value) => n + (Number.isFinite(value) ? 1 : 0), 0) : 0;

/** Similarity to two thirds of the reference, for the other third and for windows: where no training set can be asked. */
function ownSimilarity(reference: FileSample): (sample: FileSample, isReference: boolean) => Float64Array {
  const matrix = (sample: FileSample, rows: readonly number[]) =>
    matrixOfRows(
      SIMILARITY_FEATURIZER,
      rows.map((row) => sample.molecules[row]!.moleculeId),
      rows.map((row) => sample.packed[row]!),
    );
  const known = reference.molecules.flatMap(({ smiles }, row) => (isCompared(smiles) ? [] : [row]));
  const index = new NeighbourIndex(matrix(reference, known));
  return (sample, isReference) => {
    const all = matrix(sample, [...sample.molecules.keys()]);
    return Float64Array.from(sample.molecules, ({ smiles }, row) =>
      isReference && !isCompared(smiles) ? NaN : (index.nearest(all, row)?.similarity ?? NaN),
    );
  };
}

/** Share of the rows in which the predictions of a file are not those of the model; null where it has none. */
function otherPredictions({ served }: DriftSample): number | null {
  const column = served.find(({ name }) => name === 'prediction');
  if (!column) return null;
  const both = [...column.served.keys()].filter(
    (row) => Number.isFinite(column.served[row]!) && Number.isFinite(column.recomputed[row]!),
  );
  const other = both.filter((row) => {
    const computed = column.recomputed[row]!;
    return Math.abs(column.served[row]! - computed) > OTHER * Math.max(1e-6, Math.abs(computed));
  });
  return both.length ? other.length / both.length : null;
}

/** @param promised what the model's card says of its residuals; null without a model, and for a classifier */
export function prepareReference(
  whole: FileSample,
  model: { readonly promised: Float64Array | null } | null,
): PreparedReference {
  const notes: string[] = [];
  const { sample, trained } = whole;
  if (trained > 0)
    notes.push(
      `${trained} of ${sample.rows} reference molecules are among those the model was trained on; what it says of them counts for nothing`,
    );
  const others = otherPredictions(sample);
  const isOther = others !== null && others > 0.5;
  if (isOther)
    notes.push(
      "the reference's predictions are not those of this model, so the stream's are not compared with what it computes",
    );
  const similarity =
    finite(sample.similarity) >= MINIMUM.reference || sample.rows < MINIMUM.reference
      ? null
      : ownSimilarity(whole);
  if (similarity && model) notes.push('similarity is to the reference, for too much of it was trained on');
  const reference = driftReference(similarity ? { ...sample, similarity: similarity(whole, true) } : sample, {
    promised: model?.promised ?? null,
  });
  if (reference.assumed && sample.rows > 0)
    notes.push(
      "the reference has too few measured values with predictions: residuals are held against the model card's promise",
    );
  return {
    reference,
    notes,
    windowOf: (prepared) => ({
      ...prepared.sample,
      similarity: similarity ? similarity(prepared, false) : prepared.sample.similarity,
      served: prepared.sample.served.filter(({ name }) => !isOther || name !== 'prediction'),
    }),
  };
}
