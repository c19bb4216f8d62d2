import { number } from '../format';

/** A linear map from data to the page. */
export type Scale = (value: number) => number;

export function linear([d0, d1]: readonly [number, number], [r0, r1]: readonly [number, number]): Scale {
  const span = d1 - d0 || 1;
  return (value) => r0 + ((value - d0) / span) * (r1 - r0);
}

/** The step of 1, 2 or 5 times a power of ten that divides a span into about `wanted` parts. */
function niceStep(span: number, wanted: number, integers: boolean): number {
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999) ?? 10 * power;
  return integers ? Math.max(1, Math.round(step)) : step;
}

export interface Ticks {
  readonly domain: readonly [number, number];
  readonly values: readonly number[];
}

/** A domain that holds all finite `values`, rounded outwards to its own ticks. */
export function niceTicks(
  values: readonly number[],
  options: { wanted?: number; zero?: boolean; integers?: boolean } = {},
): Ticks {
  const { wanted = 5, zero = false, integers = false } = options;
  let low = zero ? 0 : Infinity;
  let high = zero ? 0 : -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = [0, 1];
  // Values that differ by rounding only get the axis of one value.
  if (high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high)) || high - low < 1e-290) {
    const pad = integers || Math.abs(low) < 1e-280 ? 1 : Math.abs(low) * 0.1;
    [low, high] = zero ? [Math.min(0, low), Math.max(pad, high)] : [low - pad, high + pad];
  }
  const step = niceStep(high - low, wanted, integers);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
  return { domain: [ticks[0]!, ticks.at(-1)!], values: ticks };
}

/** Tick labels with as many digits as tell neighbours apart. */
export function tickLabels(values: readonly number[]): string[] {
  for (let digits = 1; digits < 12; digits++) {
    const labels = values.map((value) => number(value, digits));
    if (
      new Set(labels).size === values.length &&
      values.every((value, i) => Number(labels[i]!.replaceAll(',', '')) === value)
    )
      return labels;
  }
  return values.map(String);
}
