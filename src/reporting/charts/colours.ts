/** Violet to amber by way of blue, teal and green: every step is of middle lightness, to be seen on white and on black. */
const RAMP = ['#7f5fd0', '#3f83d8', '#159f9a', '#58a845', '#d08a17'];

/** A colour for `position` between 0 (first) and 1 (last), as #rrggbb. */
export function rampColour(position: number): string {
  const at = Math.min(1, Math.max(0, position)) * (RAMP.length - 1);
  const i = Math.min(RAMP.length - 2, Math.floor(at));
  const channel = (colour: string, k: number) => parseInt(colour.slice(1 + 2 * k, 3 + 2 * k), 16);
  const mixed = [0, 1, 2].map((k) => {
    const a = channel(RAMP[i]!, k);
    return Math.round(a + (channel(RAMP[i + 1]!, k) - a) * (at - i));
  });
  return `#${mixed.map((c) => c.toString(16).padStart(2, '0')).join('')}`;
}
