import { logLoss } from './classification';
import { sigmoid } from './loss';
import type { TargetScale } from './labels';

/**
 * Spread of what slope and intercept may be before anything is seen, around 1 and 0: wide beside what a hundred rows tell, and
 * enough to hold both where a handful of rows separate the classes.
 */
const SLOPE_DEVIATION = 0.5;
const INTERCEPT_DEVIATION = 1;
/** A smaller slope would say that the network knows nothing; a negative one that it knows the opposite. */
const LEAST_SLOPE = 0.1;
const STEPS = 25;

/**
 * Slope and intercept on logits under which classes are likeliest (Platt 1999; with a normal prior instead of his smoothed
 * targets), by damped Newton steps.
 * @param classes 0 or 1, one for each logit
 * @param slopeIsFree false on rows that the network was fitted to: their logits are too far out, but right on average
 */
export function fitLogitScale(
  logits: ArrayLike<number>,
  classes: ArrayLike<number>,
  slopeIsFree: boolean,
): TargetScale {
  const priorSlope = 1 / SLOPE_DEVIATION ** 2;
  const priorIntercept = 1 / INTERCEPT_DEVIATION ** 2;
  const objective = (scale: number, centre: number) => {
    let sum = 0.5 * (priorSlope * (scale - 1) ** 2 + priorIntercept * centre ** 2);
    for (let i = 0; i < logits.length; i++) sum += logLoss(scale * logits[i]! + centre, classes[i] === 1);
    return sum;
  };
  let [scale, centre] = [1, 0];
  let value = objective(scale, centre);
  for (let step = 0; step < STEPS; step++) {
    let [byScale, byCentre] = [priorSlope * (scale - 1), priorIntercept * centre];
    let [curveScale, curveBoth, curveCentre] = [priorSlope, 0, priorIntercept];
    for (let i = 0; i < logits.length; i++) {
      const z = logits[i]!;
      const p = sigmoid(scale * z + centre);
      const residual = p - classes[i]!;
      byScale += residual * z;
      byCentre += residual;
      curveScale += p * (1 - p) * z * z;
      curveBoth += p * (1 - p) * z;
      curveCentre += p * (1 - p);
    }
    const determinant = curveScale * curveCentre - curveBoth ** 2;
    const moveScale = slopeIsFree ? (curveCentre * byScale - curveBoth * byCentre) / determinant : 0;
    const moveCentre = slopeIsFree
      ? (curveScale * byCentre - curveBoth * byScale) / determinant
      : byCentre / curveCentre;
    let factor = 1;
    let next = objective(scale - moveScale, centre - moveCentre);
    while (next > value && factor > 1e-6) {
      factor /= 2;
      next = objective(scale - factor * moveScale, centre - factor * moveCentre);
    }
    if (!(next < value)) break;
    scale -= factor * moveScale;
    centre -= factor * moveCentre;
    value = next;
  }
  return { scale: Math.max(LEAST_SLOPE, scale), centre };
}
