import { selectEncodedRows, type EncodedRows } from './feature-space';
import { maximiseLikelihood, profileLikelihood } from './marginal-likelihood';
import { evenlySpread } from './spread';
import { buildReference, kernelMatrix, squaredDistance, type KernelMix } from './tanimoto';

/** Rows whose likelihood decides the mix: each trial costs the cube of them, and more rows move the optimum little. */
const MIX_ROWS = 400;
/** With fewer measured rows than this the likelihood says nothing sound about three parameters. */
const MIN_ROWS = 20;
const TRIALS = 40;
const FIRST_STEP = Math.log(4);
const LAST_STEP = Math.log(1.4);
/** Nats a squared logarithm of a parameter costs: keeps a flat likelihood from running off, and moves no other. */
const PRIOR = 0.01;

const EVEN_MIX: KernelMix = { structure: 1 / 3, product: 1 / 3, descriptors: 1 / 3, lengthScale: 1 };

/** Logarithms of product and descriptor weights over the structure weight, and of the length scale. */
type Point = readonly [number, number, number];

function mixAt([product, descriptors, length]: Point): KernelMix {
  const top = Math.max(0, product, descriptors);
  const parts = [Math.exp(-top), Math.exp(product - top), Math.exp(descriptors - top)] as const;
  const sum = parts[0] + parts[1] + parts[2];
  return {
    structure: parts[0] / sum,
    product: parts[1] / sum,
    descriptors: parts[2] / sum,
    lengthScale: Math.exp(length),
  };
}

/**
 * The mix of structure and descriptors of greatest marginal likelihood, noise, amplitude and mean at their best for each, by
 * compass search (Kolda, Lewis and Torczon 2003) from the even mix. A fixed rule: the same input gives the same mix.
 * @param encoded measured rows only, MIX_ROWS or fewer; `values` standardised, one a row.
 * @throws numerical
 */
function chooseMix(
  encoded: EncodedRows,
  values: Float64Array,
  weights: Float64Array,
  starts: readonly number[],
): KernelMix {
  const n = values.length;
  if (n < MIN_ROWS) return EVEN_MIX;
  const alike = kernelMatrix(buildReference({ ...encoded, width: 0 }));
  const far = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++)
      far[i * n + j] = squaredDistance(encoded, i, encoded, j) / (4 * encoded.width);
  const all = new Uint8Array(n).fill(1);
  const kernel = new Float64Array(n * n);
  const evidence = (point: Point): number => {
    const { structure, product, descriptors, lengthScale } = mixAt(point);
    const sharpness = -1 / lengthScale ** 2;
    for (let i = 0; i < n; i++) {
      for (let at = i * n; at <= i * n + i; at++)
        kernel[at] =
          structure * alike[at]! + (product * alike[at]! + descriptors) * Math.exp(sharpness * far[at]!);
    }
    const { logLikelihood } = maximiseLikelihood(profileLikelihood(kernel, values, weights, all), starts);
    return logLikelihood - PRIOR * point.reduce((sum, x) => sum + x * x, 0);
  };

  let best: Point = [0, 0, 0];
  let top = evidence(best);
  let trials = 1;
  for (let step = FIRST_STEP; step >= LAST_STEP && trials < TRIALS;) {
    let moved = false;
    for (let axis = 0; axis < 3 && !moved; axis++) {
      for (const sign of [1, -1]) {
        const point = best.map((x, i) => (i === axis ? x + sign * step : x)) as unknown as Point;
        trials++;
        const value = evidence(point);
        if (!(value > top)) continue;
        [best, top, moved] = [point, value, true];
        break;
      }
    }
    if (!moved) step /= 2;
  }
  return mixAt(best);
}

/**
 * The mix where the rows have counts and descriptors apart, from measured rows spread over the range of their values.
 * @param measured per row, 1 or 0.
 * @throws numerical
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
  const rows = evenlySpread(all, (row) => values[row]!, MIX_ROWS);
  return chooseMix(
    selectEncodedRows(encoded, rows),
    Float64Array.from(rows, (row) => values[row]!),
    Float64Array.from(rows, (row) => weights[row]!),
    starts,
  );
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
