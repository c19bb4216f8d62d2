import { nearestName, type Qualifier } from '../contracts';
import { findUnit, otherMeaning, plainSpelling, UNIT_SPELLINGS, type Unit } from './unit-table';

/** A value with its bound, in some unit. */
export interface Quantity {
  readonly value: number;
  readonly qualifier: Qualifier;
}

export type Converted =
  | {
      readonly ok: true;
      readonly value: number;
      readonly qualifier: Qualifier;
      /** What was done, as `nM -> pIC50: 9 - log10(x)`; null where both units are the same one. */
      readonly conversion: string | null;
    }
  | {
      readonly ok: false;
      readonly reason: 'unit-unknown' | 'value-out-of-range';
      readonly message: string;
    };

/** Smallest double with full precision; below it digits get lost, so a value there could not be converted back. */
const SMALLEST_NORMAL = 2.2250738585072014e-308;
const FLIPPED: Readonly<Record<Qualifier, Qualifier>> = { '=': '=', '<': '>', '>': '<' };

/** A rule from one unit to another: what is computed, its text, and whether a larger x gives a smaller result. */
interface Rule {
  readonly text: string;
  readonly falling: boolean;
  readonly apply: (x: number) => number;
  /** Why some x cannot be converted; undefined where it can. */
  readonly refuses?: (x: number) => string | undefined;
}

/** 10^x; the power of a whole number is the double nearest to it, which Math.pow misses for some. */
const powerOfTen = (x: number) => (Number.isInteger(x) ? Number(`1e${x}`) : 10 ** x);

/** `x`, `x + 3`, `x - 3`. */
const shifted = (x: string, by: number) => (by === 0 ? x : `${x} ${by < 0 ? '-' : '+'} ${Math.abs(by)}`);

/** x × numerator / denominator, with as few roundings as there can be: of powers of ten there is one. */
function scaling(numerator: number, denominator: number): Omit<Rule, 'falling'> {
  const n = numerator % denominator === 0 ? numerator / denominator : numerator;
  const d = n === numerator ? denominator : 1;
  if (d !== 1 && d % n === 0)
    return n === d ? { text: 'x', apply: (x) => x } : { text: `x / ${d / n}`, apply: (x) => x / (d / n) };
  if (d === 1) return n === 1 ? { text: 'x', apply: (x) => x } : { text: `x * ${n}`, apply: (x) => x * n };
  return { text: `x * ${n} / ${d}`, apply: (x) => (x * n) / d };
}

function ruleBetween(from: Unit, to: Unit): Rule | string {
  if (from.quantity !== to.quantity)
    return `${from.symbol} is a unit of ${from.quantity} and ${to.symbol} of ${to.quantity}; neither converts into the other`;
  const a = from.scale;
  const b = to.scale;
  if (a.kind === 'linear' && b.kind === 'linear') {
    const shift = (a.offset ?? 0) - (b.offset ?? 0);
    if (from.quantity === 'temperature') {
      return {
        text: shifted('x', shift),
        falling: false,
        apply: (x) => x + shift,
        refuses: (x) => (x + (a.offset ?? 0) < 0 ? 'is below absolute zero' : undefined),
      };
    }
    return { falling: false, ...scaling(a.numerator * b.denominator, a.denominator * b.numerator) };
  }
  if (a.kind === 'log10' && b.kind === 'log10') {
    const within = (some: readonly string[], all: readonly string[]) =>
      some.every((one) => all.includes(one));
    if (!within(a.of, b.of) && !within(b.of, a.of))
      return `${from.symbol} and ${to.symbol} are logarithms of different things (${a.of.join(', ')}; ${b.of.join(', ')}); neither converts into the other`;
    return a.sign === b.sign
      ? { text: 'x', falling: false, apply: (x) => x }
      : { text: '-x', falling: true, apply: (x) => -x };
  }
  if (a.kind === 'linear') {
    const { sign } = b as Extract<typeof b, { kind: 'log10' }>;
    const exponent = Math.round(Math.log10(a.numerator / a.denominator));
    const log = sign > 0 ? 'log10(x)' : '-log10(x)';
    return {
      text: sign < 0 && exponent !== 0 ? `${-exponent} - log10(x)` : shifted(log, sign * exponent),
      falling: sign < 0,
      apply: (x) => sign * (exponent + Math.log10(x)),
      refuses: (x) => (x > 0 ? undefined : 'has no logarithm; a concentration is above zero'),
    };
  }
  const { numerator, denominator } = b as Extract<typeof b, { kind: 'linear' }>;
  const exponent = Math.round(Math.log10(numerator / denominator));
  return {
    text:
      a.sign < 0 ? `10^(${exponent === 0 ? '-x' : `${-exponent} - x`})` : `10^(${shifted('x', -exponent)})`,
    falling: a.sign < 0,
    apply: (x) => powerOfTen(a.sign * x - exponent),
  };
}

function unknownUnit(text: string): string {
  const meaning = otherMeaning(text);
  if (meaning) return meaning;
  const spelling = plainSpelling(text);
  const near = nearestName(spelling, UNIT_SPELLINGS);
  return `unknown unit '${spelling.slice(0, 50)}'${near ? `; did you mean '${near}'?` : ''}`;
}

/** Whether two texts name one unit: the same known unit, or the same unknown word. */
export function sameUnit(a: string, b: string): boolean {
  const [from, to] = [findUnit(a), findUnit(b)];
  return from || to ? from === to : plainSpelling(a) === plainSpelling(b);
}

/** What converting from one unit to another takes; a text says why it cannot be done, null that there is nothing to do. */
type Plan = { readonly source: Unit; readonly target: Unit; readonly rule: Rule } | string | null;

function makePlan(from: string, to: string): Plan {
  if (sameUnit(from, to)) return null;
  const [source, target] = [findUnit(from), findUnit(to)];
  if (!source || !target) return unknownUnit(source ? to : from);
  const rule = ruleBetween(source, target);
  return typeof rule === 'string' ? rule : { source, target, rule };
}

const plans = new Map<string, Plan>();
/** Units are read from cells: a file may hold any number of different ones. */
const MOST_PLANS = 1000;

function planFor(from: string, to: string): Plan {
  const key = `${from}\n${to}`;
  const known = plans.get(key);
  if (known !== undefined) return known;
  const plan = makePlan(from, to);
  if (plans.size >= MOST_PLANS) plans.clear();
  plans.set(key, plan);
  return plan;
}

/** Why values cannot be converted from one unit to another, whatever they are; undefined where they can. */
export function conversionProblem(from: string, to: string): string | undefined {
  const plan = planFor(from, to);
  return typeof plan === 'string' ? plan : undefined;
}

/**
 * Converts a value and its bound from one unit to another. The bound turns round where the rule falls: IC50 < 10 nM is pIC50 > 8.
 * Case counts in short symbols (mM, nM), not in long ones (PIC50). A unit nobody knows converts into itself only. There and back
 * gives the value again within 1e-12, relative (of a logarithm and of a temperature: absolute).
 * @param quantity value finite
 */
export function convert(quantity: Quantity, from: string, to: string): Converted {
  const { value, qualifier } = quantity;
  const plan = planFor(from, to);
  if (plan === null) return { ok: true, value, qualifier, conversion: null };
  if (typeof plan === 'string') return { ok: false, reason: 'unit-unknown', message: plan };
  const { source, target, rule } = plan;
  const outOfRange = (why: string): Converted => ({
    ok: false,
    reason: 'value-out-of-range',
    message: `${value} ${source.symbol} ${why}`,
  });
  const refusal = rule.refuses?.(value);
  if (refusal) return outOfRange(refusal);
  const result = rule.apply(value);
  if (!Number.isFinite(result)) return outOfRange(`is larger in ${target.symbol} than a double can hold`);
  const tooSmall = ({ scale, quantity: of }: Unit, x: number) =>
    scale.kind === 'linear' &&
    of !== 'temperature' &&
    !(x === 0 && value === 0) &&
    Math.abs(x) < SMALLEST_NORMAL;
  if (tooSmall(source, value) || tooSmall(target, result)) {
    const where = tooSmall(source, value) ? source : target;
    return outOfRange(`is smaller in ${where.symbol} than a double can hold`);
  }
  return {
    ok: true,
    value: result === 0 ? 0 : result,
    qualifier: rule.falling ? FLIPPED[qualifier] : qualifier,
    conversion: `${source.symbol} -> ${target.symbol}: ${rule.text}`,
  };
}
