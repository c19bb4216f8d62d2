import type { TrackedValue } from '../contracts';

/** Any JSON-like value as one that can be tracked: what is undefined is left out; NaN and infinities, which JSON has not, are text. */
export function trackedValue(value: unknown): TrackedValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(trackedValue);
  if (typeof value === 'object') return trackedObject(value);
  return String(value);
}

export function trackedObject(value: object): { readonly [key: string]: TrackedValue } {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, trackedValue(item)]),
  );
}

/** The finite numbers of an object under `prefix/`, those of nested objects under `prefix/key/`. */
export function numbersOf(prefix: string, value: unknown): Record<string, number> {
  if (typeof value === 'number') return Number.isFinite(value) ? { [prefix]: value } : {};
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return {};
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, item]) => numbersOf(`${prefix}/${key}`, item)),
  ) as Record<string, number>;
}
