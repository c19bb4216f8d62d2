/** Share of all steps over which the learning rate climbs from zero; afterwards it falls along a cosine to zero. */
const WARM_UP = 0.05;

/** Factor on the learning rate at a step: linear warm-up, then half a cosine (Loshchilov and Hutter, ICLR 2017, no restart). */
export function schedule(step: number, steps: number): number {
  const warmUp = Math.max(1, Math.round(WARM_UP * steps));
  if (step < warmUp) return (step + 1) / warmUp;
  return 0.5 * (1 + Math.cos((Math.PI * (step - warmUp)) / Math.max(1, steps - warmUp)));
}
