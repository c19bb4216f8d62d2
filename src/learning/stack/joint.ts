import { createRandom, deriveSeed } from '../../foundation';

/** What one model of a mixture says of rows and others: means of both, and covariance, row-major rows x others. */
export interface CrossPart {
  readonly weight: number;
  readonly means: readonly [rows: Float64Array, others: Float64Array];
  readonly covariance: Float64Array;
}

/**
 * Covariance of a mixture: the weighted mean of the models' own covariances plus the spread of their means.
 * @param parts covariance row-major rows x rows, mean length rows.
 * @returns row-major rows x rows, squared units.
 */
export function mixtureCovariance(
  parts: readonly { weight: number; mean: Float64Array; covariance: Float64Array }[],
): Float64Array {
  return mixtureCrossCovariance(
    parts.map(({ weight, mean, covariance }) => ({ weight, means: [mean, mean], covariance })),
  );
}

/** The same between rows and others. @returns row-major rows x others, squared units. */
export function mixtureCrossCovariance(parts: readonly CrossPart[]): Float64Array {
  const centres = ([0, 1] as const).map((side) => {
    const centre = new Float64Array(parts[0]!.means[side].length);
    for (const { weight, means } of parts) means[side].forEach((mean, i) => (centre[i]! += weight * mean));
    return centre;
  });
  const [rows, others] = centres as [Float64Array, Float64Array];
  const out = new Float64Array(rows.length * others.length);
  for (const { weight, means, covariance } of parts) {
    const apart = means[0].map((value, i) => value - rows[i]!);
    const beside = means[1].map((value, j) => value - others[j]!);
    for (let i = 0; i < rows.length; i++)
      for (let j = 0, at = i * others.length; j < others.length; j++, at++)
        out[at]! += weight * (covariance[at]! + apart[i]! * beside[j]!);
  }
  return out;
}

/**
 * Joint draws of a mixture: each from one model, chosen by weight.
 * @param sample draws `count` of model i with a seed.
 * @returns `count` draws in an order that does not tell the models apart.
 */
export async function drawMixture(
  weights: readonly number[],
  count: number,
  seed: number,
  sample: (model: number, count: number, seed: number) => Promise<Float64Array[]>,
): Promise<Float64Array[]> {
  const random = createRandom(deriveSeed(seed, 'mixture'));
  const last = weights.length - 1;
  const chosen = Array.from({ length: count }, () => {
    let left = random.next();
    const at = weights.findIndex((weight) => (left -= weight) < 0);
    return at < 0 ? last : at;
  });
  const queues: Float64Array[][] = [];
  for (const model of weights.keys()) {
    const wanted = chosen.filter((one) => one === model).length;
    queues.push(wanted ? await sample(model, wanted, deriveSeed(seed, 'mixture', model)) : []);
  }
  return chosen.map((model) => queues[model]!.shift()!);
}
