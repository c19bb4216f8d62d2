/** What a replayed campaign looks at: which molecules are screened and asked for, and the two streams that are watched. */
import type { DriftDetector, DriftLook } from '../../../../src/contracts';
import {
  batchReference,
  driftReference,
  look,
  promisedResiduals,
  type DriftSample,
  type EarlierBatch,
} from '../../../../src/drift';
import { createRandom, deriveSeed } from '../../../../src/foundation';
import type { Measured } from './desk';
import { descriptorOf, sampleOfRows, type Library } from './library';
import type { CampaignModel } from './models';
import type { RecoveryScenario } from './scenarios';

/** Of inputs and what is answered: molecules that were picked are not like the pool, on purpose, so a batch is not looked at by them. */
const OF_INPUTS: readonly DriftDetector[] = [
  ...(['descriptors', 'fingerprints', 'similarity', 'scaffolds', 'predictions', 'uncertainty'] as const),
];
const OF_TRUTH: readonly DriftDetector[] = [
  ...(['bias', 'noise', 'coverage', 'ranking', 'hits', 'units', 'plates', 'labs'] as const),
];
/** Share of values that a model's 90 % interval holds where it has not been tried. */
const NOMINAL_COVERAGE = 0.9;

export const drawn = (rows: readonly number[], count: number, seed: number, what: string): number[] =>
  createRandom(deriveSeed(seed, what))
    .shuffle([...rows].sort((a, b) => a - b))
    .slice(0, count);

/** Which rows are screened first, and which are asked for in the end; the same ones where nothing shifts. */
export function partsOf(
  library: Library,
  { shift }: RecoveryScenario,
): { readonly first: readonly number[]; readonly last: readonly number[] } {
  const all = [...library.moleculeIds.keys()];
  if (!shift) return { first: all, last: all };
  const order = all
    .map((row) => ({ row, by: descriptorOf(library, shift.descriptor, row) }))
    .sort((a, b) => a.by - b.by || (library.moleculeIds[a.row]! < library.moleculeIds[b.row]! ? -1 : 1))
    .map(({ row }) => row);
  const size = Math.round(shift.share * order.length);
  const first = order.slice(0, size);
  return { first, last: Number.isFinite(shift.from) ? order.slice(-size) : first };
}

/** A batch that came back, with what the model that picked it said. */
export interface Returned {
  /** Null until it was looked at. */
  readonly look: DriftLook | null;
  readonly measured: readonly Measured[];
  readonly predicted: Float64Array;
  readonly deviation: Float64Array;
}

export const returnedSample = (
  library: Library,
  { measured, predicted, deviation }: Omit<Returned, 'look'>,
): DriftSample => ({
  ...sampleOfRows(
    library,
    measured.map(({ row }) => row),
  ),
  ...{ predicted, deviation, labs: measured.map(({ lab }) => lab) },
  observed: Float64Array.from(measured, ({ value }) => value),
});

/**
 * What was asked of a model, against what is screened. Every round has a model of its own, so that windows before this one were answered by
 * others: each is looked at alone.
 */
export const lookAtAsked = (screened: DriftSample, window: DriftSample): DriftLook =>
  look(driftReference(screened), [], window, { without: OF_TRUTH });

/** A batch that came back, against what a running campaign holds it against. */
export function lookAtReturned(
  { surrogate: { heldOut }, labels }: CampaignModel,
  earlier: readonly EarlierBatch[],
  window: DriftSample,
): DriftLook {
  const promised = promisedResiduals(heldOut?.coverage90 ?? NOMINAL_COVERAGE, labels);
  const { reference, history } = batchReference(earlier, promised);
  return look(reference, history, window, { without: OF_INPUTS });
}
