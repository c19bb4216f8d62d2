/** Windows a change must have taken to be called a creep: fewer, and it is a step that fell into the middle of one. */
const LEAST_RAMP = 4;
/** Windows are few and their effects are noisy: in doubt it is a creep, for a step that is worth acting on is seen in one window. */
const IN_DOUBT = 1.1;

/** Least squares of a line through the origin of `x` plus a constant: what it leaves over. */
function leftOver(values: readonly number[], x: readonly number[]): { rest: number; slope: number } {
  const n = values.length;
  const mean = (of: readonly number[]) => of.reduce((sum, each) => sum + each / n, 0);
  const [y0, x0] = [mean(values), mean(x)];
  let [xy, xx, yy] = [0, 0, 0];
  values.forEach((y, i) => {
    xy += (x[i]! - x0) * (y - y0);
    xx += (x[i]! - x0) ** 2;
    yy += (y - y0) ** 2;
  });
  const slope = xx > 0 ? xy / xx : 0;
  return { rest: yy - slope * xy, slope };
}

/**
 * Whether a series of effect sizes, one a window, the last one now, came about bit by bit: a level and then a ramp fits it better
 * than any step does, and the ramp makes at least half of what is there now.
 */
export function isCreeping(effects: readonly number[]): boolean {
  const n = effects.length;
  if (n < LEAST_RAMP + 1) return false;
  const positions = [...effects.keys()];
  let [step, ramp, rise] = [Infinity, Infinity, 0];
  for (let change = 1; change < n; change++)
    step = Math.min(
      step,
      leftOver(
        effects,
        positions.map((i) => (i >= change ? 1 : 0)),
      ).rest,
    );
  for (let start = 0; start <= n - 1 - LEAST_RAMP; start++) {
    const { rest, slope } = leftOver(
      effects,
      positions.map((i) => Math.max(0, i - start)),
    );
    if (rest < ramp) [ramp, rise] = [rest, slope * (n - 1 - start)];
  }
  const now = effects[n - 1]!;
  return ramp < IN_DOUBT * step && Math.sign(rise) === Math.sign(now) && Math.abs(rise) >= Math.abs(now) / 2;
}
