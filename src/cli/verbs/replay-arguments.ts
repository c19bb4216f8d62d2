/** What the options of `titrate benchmark retrospective` are read by; each throws commander's error for text that it cannot read. */
import { InvalidArgumentError } from 'commander';
import { strategySchema, type Strategy } from '../../contracts';

/** A further property, and what is the best of it. */
export interface Also {
  readonly property: string;
  readonly direction: 'minimize' | 'maximize';
}

/** The worst value of a property that is of interest. */
export interface Reference {
  readonly property: string;
  readonly value: number;
}

export const listOf =
  <T>(parse: (text: string) => T) =>
  (text: string): T[] => [...new Set(text.split(',').map((part) => parse(part.trim())))];

export function strategy(text: string): Strategy {
  const parsed = strategySchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`'${text}' is none of ${strategySchema.options.join(', ')}.`);
}

export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

export function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a whole number above 0.');
  return value;
}

export function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('Expected a number from 0 to 1.');
  return value;
}

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/** `COLUMN:what`, split at the last colon: names of columns may have some. */
function halves(text: string, expected: string): [string, string] {
  const at = text.lastIndexOf(':');
  if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  throw new InvalidArgumentError(`Expected ${expected}.`);
}

const added = <T>(one: T, before: readonly T[] | undefined): T[] => [...(before ?? []), one];

export function also(text: string, before: readonly Also[]): readonly Also[] {
  const expected = 'COLUMN:maximize or COLUMN:minimize';
  const [property, direction] = halves(text, expected);
  if (direction === 'maximize' || direction === 'minimize') return added({ property, direction }, before);
  throw new InvalidArgumentError(`Expected ${expected}.`);
}

export function reference(text: string, before: readonly Reference[]): readonly Reference[] {
  const [property, value] = halves(text, 'COLUMN:number');
  return added({ property, value: number(value) }, before);
}

export function range(text: string): { from: number; to: number } {
  const [from, to, ...more] = text.split(',').map(number);
  if (more.length === 0 && to !== undefined && from! < to) return { from: from!, to };
  throw new InvalidArgumentError('Expected two numbers, the smaller one first, such as 2,3.5.');
}
