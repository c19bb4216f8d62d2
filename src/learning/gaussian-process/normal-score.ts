import { normalCdf, normalPdf } from '../../foundation';

/** Quantiles nearer to 0 or 1 count as this: an outlier is far, not ever farther. */
const CLIP = 0.002;
/** From 0 Newton's method climbs a concave curve without overshooting; at the clipped ends it takes 9 steps to full precision. */
const STEPS = 12;

/** The standard normal value below which a share u of the distribution lies, u clipped. */
export function normalScore(u: number): number {
  const share = Math.max(0.5, Math.min(1 - CLIP, Math.max(u, 1 - u)));
  let z = 0;
  for (let step = 0; step < STEPS; step++) z -= (normalCdf(z) - share) / normalPdf(z);
  return u < 0.5 ? -z : z;
}
