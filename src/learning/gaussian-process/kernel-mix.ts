import { climb, type Objective, type Place } from './ascent';
import { selectEncodedRows, type EncodedRows } from './feature-space';
import { noiseRange } from './marginal-likelihood';
import { mixAt, mixEvidence, mixRows, selectMixRows, type MixRows } from './mix-evidence';
import { evenlySpread } from './spread';
import type { KernelMix } from './tanimoto';

/** Rows whose likelihood decides the mix: each trial costs the cube of them, and more rows move the optimum little. */
const MIX_ROWS = 400;
/** Rows on which every start is followed, where there are half as many more. */
const FIRST_ROWS = 128;
/** With fewer measured rows than this the likelihood says nothing sound about three parameters. */
const MIN_ROWS = 20;
/** Nats a squared logarithm of a parameter costs: keeps a flat likelihood from running off, and moves no other. */
const PRIOR = 0.01;
/** Nats; the likelihoods of mixes that predict alike differ by more. */
const EFFORT = { tolerance: 0.02, trials: 20 };

/**
 * Of two values. A normal likelihood of labels of which few are 1 rewards a smooth account of the many that are 0, which is what descriptors
 * give, over the few actives' likeness to one another: docs/benchmarks.md, screens.
 */
const STRUCTURE_ALONE: KernelMix = { structure: 1, product: 0, descriptors: 0, lengthScale: 1 };
const EVEN_MIX: KernelMix = { structure: 1 / 3, product: 1 / 3, descriptors: 1 / 3, lengthScale: 1 };

/** The evidence of the mix and the noise ratio, less what the prior of the mix costs. */
function objectiveOf(rows: MixRows, starts: readonly number[]): Objective {
  const [low, high] = noiseRange(starts);
  return {
    lower: [-Infinity, -Infinity, -Infinity, low],
    upper: [Infinity, Infinity, Infinity, high],
    at(point) {
      const evidence = mixEvidence(rows, point);
      if (!evidence) return null;
      const mix = point.slice(0, 3);
      return {
        point,
        value: evidence.logLikelihood - PRIOR * mix.reduce((sum, x) => sum + x * x, 0),
        slopes() {
          const { gradient, information: curvature } = evidence.derivatives();
          mix.forEach((x, k) => {
            gradient[k]! -= 2 * PRIOR * x;
            curvature[k * point.length + k]! += 2 * PRIOR;
          });
          return { gradient, curvature };
        },
      };
    },
  };
}

/**
 * The mix of structure and descriptors of greatest marginal likelihood, amplitude and mean at their best for each: from the
 * even mix and each starting value of the noise ratio uphill on FIRST_ROWS rows, from the highest of these places on all.
 * A fixed rule: the same input gives the same mix.
 * @param rows MIX_ROWS or fewer.
 */
function chooseMix(rows: MixRows, starts: readonly number[]): KernelMix {
  const n = rows.values.length;
  const few = n > 1.5 * FIRST_ROWS;
  const first = few
    ? selectMixRows(
        rows,
        evenlySpread([...rows.values.keys()], (row) => rows.values[row]!, FIRST_ROWS),
      )
    : rows;
  let best: Place | null = null;
  for (const start of starts) {
    const place = climb(objectiveOf(first, starts), [0, 0, 0, Math.log(start)], EFFORT);
    if (place && (!best || place.value > best.value)) best = place;
  }
  if (best && few) best = climb(objectiveOf(rows, starts), best.point, EFFORT) ?? best;
  // Where no start has a covariance that can be factored, the search of the noise ratio, which reaches further, decides.
  return best ? mixAt(best.point) : EVEN_MIX;
}

/**
 * The mix where the rows have counts and descriptors apart, from measured rows spread over the range of their values.
 * @param values standardised.
 * @param measured per row, 1 or 0.
 */
export function mixOf(
  encoded: EncodedRows,
  values: Float64Array,
  weights: Float64Array,
  measured: Uint8Array,
  starts: readonly number[],
): KernelMix | undefined {
  if (encoded.countColumns.length === 0 || encoded.width === 0) return undefined;
  const all = [...values.keys()].filter((row) => measured[row]);
  if (all.length < MIN_ROWS) return EVEN_MIX;
  const rows = evenlySpread(all, (row) => values[row]!, MIX_ROWS);
  const at = (of: Float64Array) => Float64Array.from(rows, (row) => of[row]!);
  return chooseMix(mixRows(selectEncodedRows(encoded, rows), at(values), at(weights)), starts);
}

/** As `mixOf`, of values that are regressed on: of a screen's, of which there are two, structure alone. */
export function mixForRegression(...of: Parameters<typeof mixOf>): KernelMix | undefined {
  const [{ countColumns, width }, values, , measured] = of;
  const apart = countColumns.length > 0 && width > 0;
  const distinct = new Set(values.filter((_, row) => measured[row]));
  return apart && distinct.size === 2 ? STRUCTURE_ALONE : mixOf(...of);
}

/** A mix for the table of what was learnt. */
export function mixFacts(mix: KernelMix | undefined): Record<string, number> {
  if (!mix) return {};
  const { structure, product, descriptors, lengthScale } = mix;
  return {
    structureWeight: structure,
    productWeight: product,
    descriptorWeight: descriptors,
    lengthScale,
  };
}
