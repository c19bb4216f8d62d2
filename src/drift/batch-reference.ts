import type { DriftLook } from '../contracts';
import { MINIMUM } from './budget';
import { driftReference, type DriftReference } from './reference';
import { emptySample, type ColumnState, type DriftSample } from './sample';

/** A batch that came back before the one in question, with the look at it. */
export interface EarlierBatch {
  readonly sample: DriftSample;
  readonly look: DriftLook;
}

/** What a batch is held against, and the batches between. */
export interface BatchReference {
  readonly reference: DriftReference;
  readonly history: readonly DriftSample[];
}

/** Rows of earlier batches that later ones are held against, once there are as many. */
const PINNED_ROWS = 100;
/**
 * Of a batch that is to be a reference no finding may be less likely than this by chance: one that is off, and not certainly so, would hide the next that is off as
 * well. Few batches in order are left out by it.
 */
const SUSPICIOUS = 1e-3;

const isInOrder = ({ verdict, findings }: DriftLook) =>
  verdict !== 'act' && findings.every(({ p }) => p === null || p >= SUSPICIOUS);

const withTruth = ({ observed, predicted, deviation }: DriftSample) =>
  observed && predicted && deviation
    ? [...observed.keys()].filter((row) =>
        [observed, predicted, deviation].every((column) => Number.isFinite(column[row]!)),
      )
    : [];

function together(samples: readonly DriftSample[]): DriftSample {
  const rows = samples.map(withTruth);
  const column = (key: 'observed' | 'predicted' | 'deviation') =>
    Float64Array.from(samples.flatMap((sample, i) => rows[i]!.map((row) => sample[key]![row]!)));
  const states = samples.flatMap(({ columns }) => columns);
  const sum = (key: 'rows' | 'missing' | 'unreadable') =>
    states.reduce((total, state) => total + state[key], 0);
  const columns: ColumnState[] = states.length
    ? [
        {
          ...states[0]!,
          ...{ rows: sum('rows'), missing: sum('missing'), unreadable: sum('unreadable'), examples: [] },
        },
      ]
    : [];
  return {
    ...emptySample,
    rows: rows.flat().length,
    observed: column('observed'),
    predicted: column('predicted'),
    deviation: column('deviation'),
    columns,
  };
}

/**
 * The residuals of a campaign's first batches, picked as this one was and never out of order by their looks, as soon as there are enough: whatever picking does to
 * residuals is in both. Before that, what the model promises.
 * @param earlier batches before this one, oldest first
 * @param promised standardised residuals by the card of the model; null where it has none
 */
export function batchReference(
  earlier: readonly EarlierBatch[],
  promised: Float64Array | null,
): BatchReference {
  const pinned: DriftSample[] = [];
  const between: DriftSample[] = [];
  let rows = 0;
  for (const { sample, look } of earlier) {
    if (rows < PINNED_ROWS && isInOrder(look)) {
      pinned.push(sample);
      rows += withTruth(sample).length;
    } else between.push(sample);
  }
  if (rows >= MINIMUM.referenceTruth)
    return { reference: driftReference(together(pinned)), history: between };
  return {
    reference: driftReference({ ...emptySample, columns: together(pinned).columns }, { promised }),
    history: earlier.map(({ sample }) => sample),
  };
}
