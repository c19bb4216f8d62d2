import { frontOf } from './front';
import { hypervolume } from './hypervolume';

/** A property with what was measured of it, uncensored, by molecule. */
export interface Traded {
  readonly direction: 'maximize' | 'minimize';
  /** The worst value that is still of interest, where somebody said. */
  readonly reference?: number;
  readonly values: ReadonlyMap<string, number>;
}

/** How far beyond the worst of the front the reference point lies, as a share of the front's range. */
const BEYOND = 0.1;

export const signOf = ({ direction }: Pick<Traded, 'direction'>): 1 | -1 =>
  direction === 'maximize' ? 1 : -1;

/** Molecules with a value of every property, in the order of their ids. */
export function completeOf(properties: readonly Traded[]): string[] {
  const [first, ...others] = properties;
  return [...(first?.values.keys() ?? [])]
    .filter((id) => others.every(({ values }) => values.has(id)))
    .sort();
}

/** The molecules that no other measured one beats: of those with a value of every property. */
export function frontMolecules(properties: readonly Traded[]): string[] {
  const complete = completeOf(properties);
  const points = complete.map((id) => properties.map((each) => signOf(each) * each.values.get(id)!));
  return frontOf(points).map((at) => complete[at]!);
}

const rangeOf = (values: readonly number[]) => {
  const [least, most] = values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
  return { least, most };
};

/**
 * Where the hypervolume begins, property by property: what was said, or the worst on the front less a tenth of the front's range. Where all of
 * the front have the same value, a tenth of the range of all values; where no molecule has every value yet, the worst value less that.
 * Null while a property has no value to go by.
 */
export function referenceOf(properties: readonly Traded[]): number[] | null {
  const front = frontMolecules(properties);
  const reference = properties.map((each) => {
    if (each.reference !== undefined) return each.reference;
    const sign = signOf(each);
    const all = rangeOf([...each.values.values()].map((value) => sign * value));
    const own = front.length > 0 ? rangeOf(front.map((id) => sign * each.values.get(id)!)) : all;
    const range = own.most > own.least ? own.most - own.least : all.most - all.least;
    return sign * (own.least - BEYOND * range);
  });
  return reference.every(Number.isFinite) ? reference : null;
}

/** The front of measured molecules: who is on it, and what it covers. */
export interface Front {
  readonly moleculeIds: readonly string[];
  /** In the product of the properties' units. */
  readonly hypervolume: number;
  /** By property, in their order. */
  readonly reference: readonly number[];
}

/** The front over molecules with a value of every property; null while there is none. */
export function frontOver(properties: readonly Traded[]): Front | null {
  const moleculeIds = frontMolecules(properties);
  const reference = referenceOf(properties);
  if (moleculeIds.length === 0 || !reference) return null;
  const signed = (values: readonly number[]) => values.map((value, i) => signOf(properties[i]!) * value);
  const points = moleculeIds.map((id) => signed(properties.map(({ values }) => values.get(id)!)));
  return { moleculeIds, hypervolume: hypervolume(points, signed(reference)), reference };
}
