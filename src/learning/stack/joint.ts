import { createRandom, deriveSeed } from '../../foundation';

/**
 * Covariance of a mixture: the weighted mean of the models' own covariances plus the spread of their means.
 * @param parts covariance row-major rows x rows, mean length rows.
 * @returns row-major rows x rows, squared units.
 */
export function mixtureCovariance(
  parts: readonly { weight: number; mean: Float64Array; covariance: Float64Array }[],
): Float64Array {
  const rows = parts[0]!.mean.length;
  const centre = new Float64Array(rows);
  for (const { weight, mean } of parts) mean.forEach((value, i) => (centre[i]! += weight * value));
  const out = new Float64Array(rows * rows);
  for (const { weight, mean, covariance } of parts) {
    const apart = mean.map((value, i) => value - centre[i]!);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < rows; j++)
        out[i * rows + j]! += weight * (covariance[i * rows + j]! + apart[i]! * apart[j]!);
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
