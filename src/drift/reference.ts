import { Z90 } from '../foundation';
import { MINIMUM } from './budget';
import type { DriftSample } from './sample';
import { residualsOf, type Residuals } from './residuals';
import { sortedFinite, textHash } from './statistics/summaries';

/** How a reference is parted: what is known of scaffolds and similarity comes from two thirds, what is compared is the third. */
const PARTS = 3;
/** Beyond this a promise is no more exact than the model is calibrated. */
const MOST_PROMISED = 1000;

/** Whether a molecule is of the third that windows are compared with. The same molecule always is, wherever it stands. */
export const isCompared = (smiles: string): boolean => textHash(smiles) % PARTS === 0;

/** A reference with what looks ask of it again and again, worked out once. */
export interface DriftReference {
  readonly sample: DriftSample;
  readonly similarity: Float64Array | null;
  readonly predicted: Float64Array | null;
  readonly deviation: Float64Array | null;
  readonly residuals: Residuals | null;
  /** Whether the residuals are what a model's card promises, because the reference has none of its own. */
  readonly assumed: boolean;
}

const sorted = (values: Float64Array | null) => (values ? sortedFinite(values) : null);

/**
 * What a model's card promises of its standardised residuals: a symmetric distribution whose central 90 % interval holds the share that it
 * held of the molecules set aside. Logistic, with heavier tails than a normal one, as residuals have.
 * @param coverage between 0 and 1, neither of them @param n molecules that were set aside
 */
export function promisedResiduals(coverage: number, n: number): Float64Array {
  const share = Math.max(0.5, Math.min(0.995, coverage));
  const scale = Z90 / Math.log((1 + share) / (1 - share));
  const rows = Math.min(n, MOST_PROMISED);
  return Float64Array.from({ length: rows }, (_, i) => scale * Math.log((i + 0.5) / (rows - i - 0.5)));
}

/** @param promised standardised residuals that stand in for the reference's, where it has too few measured values with predictions */
export function driftReference(
  sample: DriftSample,
  { promised = null }: { readonly promised?: Float64Array | null } = {},
): DriftReference {
  const own = residualsOf(sample);
  const assumed =
    promised !== null && (own === null || own.n < MINIMUM.referenceTruth || own.basis === 'values');
  return {
    sample,
    similarity: sorted(sample.similarity),
    predicted: sorted(sample.predicted),
    deviation: sorted(sample.deviation),
    residuals: assumed ? { basis: 'standardised residuals', all: promised, n: promised.length } : own,
    assumed,
  };
}
