/** Numbers and words as the page shows them. Plain hyphens and dots, so that what is copied can be pasted into a spreadsheet. */

const NO_BREAK = '\u00a0';
const DASH = '–';

const group = (digits: string) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',');

const noMinusZero = (text: string) => (/^-0(\.0*)?$/.test(text) ? text.slice(1) : text);

/** 12,345 */
export const count = (n: number): string => group(String(n));

/** `digits` significant digits, an exponent only for the very large and small; a dash for nothing. */
export function number(x: number | null | undefined, digits = 3): string {
  if (x === null || x === undefined) return DASH;
  if (!Number.isFinite(x)) return String(x);
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return String(Number(x.toPrecision(digits)));
  const [whole, fraction] = String(
    Number(x.toPrecision(Math.max(digits, Math.floor(Math.log10(size || 1)) + 1))),
  ).split('.');
  return noMinusZero(group(whole!) + (fraction ? `.${fraction}` : ''));
}

/** A fixed number of decimals, so that a column lines up. */
export function fixed(x: number | null | undefined, decimals: number): string {
  if (x === null || x === undefined) return DASH;
  if (!Number.isFinite(x)) return String(x);
  if (x !== 0 && (Math.abs(x) >= 1e7 || Math.abs(x) < 0.5 * 10 ** -decimals)) return number(x, 2);
  const [whole, fraction] = noMinusZero(x.toFixed(decimals)).split('.');
  return group(whole!) + (fraction ? `.${fraction}` : '');
}

/** Decimals that show two significant digits of `resolution`. */
export function decimalsFor(resolution: number): number {
  if (!(resolution > 0) || !Number.isFinite(resolution)) return 3;
  return Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(resolution))));
}

/** `1.23 ± 0.45` */
export function plusMinus(value: number, deviation: number): string {
  const decimals = decimalsFor(deviation);
  return `${fixed(value, decimals)} ± ${fixed(deviation, decimals)}`;
}

/** 87 % */
export function percent(share: number | null | undefined, decimals = 0): string {
  if (share === null || share === undefined) return DASH;
  return Number.isFinite(share) ? `${(share * 100).toFixed(decimals)}${NO_BREAK}%` : String(share);
}

/** Time spent: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toPrecision(2))}${NO_BREAK}s`;
  if (seconds < 60) return `${Math.round(seconds)}${NO_BREAK}s`;
  const total = Math.round(seconds);
  if (total < 3600) {
    return total % 60
      ? `${Math.floor(total / 60)}${NO_BREAK}min ${total % 60}${NO_BREAK}s`
      : `${total / 60}${NO_BREAK}min`;
  }
  const minutes = Math.round(total / 60);
  return minutes % 60
    ? `${count(Math.floor(minutes / 60))}${NO_BREAK}h ${minutes % 60}${NO_BREAK}min`
    : `${count(minutes / 60)}${NO_BREAK}h`;
}

/** The first twelve digits of a hash: enough to find it, short enough to read. */
export const shortHash = (hash: string): string => hash.slice(0, 12);

/** `1 molecule`, `2 molecules` */
export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;

/** 11 November 2026, 14:30 UTC; what cannot be read as a time is shown as it stands. */
export function instant(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const months =
    'January February March April May June July August September October November December'.split(' ');
  return `${time.getUTCDate()} ${months[time.getUTCMonth()]} ${time.getUTCFullYear()}, ${time.toISOString().slice(11, 16)} UTC`;
}

/** 512 B, 12.3 kB, 4.5 MB: decimal units. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  let value = size;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 ? value : Number(value.toPrecision(3))}${NO_BREAK}${units[at]}`;
}
