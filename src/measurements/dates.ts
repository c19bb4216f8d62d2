export type DateReading =
  { readonly ok: true; readonly date: string } | { readonly ok: false; readonly message: string };

const DAY = /^(\d{4})(-|\/)(\d{1,2})\2(\d{1,2})$/;
const MOMENT =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)? ?(Z|[+-]\d{2}(?::?\d{2})?)?$/i;
const DAY_OR_MONTH_FIRST = /^\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})(?:[ T].*)?$/;
/** What spreadsheets store for the days from 1927 to 2063. */
const SERIAL_DAY = /^[1-5]\d{4}(?:\.\d+)?$/;

const two = (n: number) => String(n).padStart(2, '0');

/** Midnight UTC of a day of the proleptic Gregorian calendar, ms since the epoch; undefined where there is no such day. */
function midnight(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() : undefined;
}

/**
 * Reads a day (`2026-11-24`, also `2026/11/24`) or a moment (ISO 8601 with its offset from UTC). A moment comes out in UTC with
 * seconds: `2026-11-24T08:30:00Z`, and with the fraction of the second it had. Days that do not exist, days whose order of day
 * and month must be guessed, and moments of an unknown time zone are refused.
 */
export function readDate(cell: string): DateReading {
  const text = cell.trim();
  const refuse = (message: string): DateReading => ({
    ok: false,
    message: `'${text.length > 40 ? `${text.slice(0, 40)}…` : text}' ${message}`,
  });
  const day = DAY.exec(text);
  // With dashes the two digits are part of ISO 8601; with slashes people leave the zero out.
  if (day && (day[2] === '/' || text.length === 10)) {
    const [year, month, dayOfMonth] = [Number(day[1]), Number(day[3]), Number(day[4])];
    if (midnight(year, month, dayOfMonth) === undefined) return refuse('is a day that does not exist');
    return { ok: true, date: `${day[1]}-${two(month)}-${two(dayOfMonth)}` };
  }
  const moment = MOMENT.exec(text);
  if (moment) {
    const [year, month, dayOfMonth] = moment[1]!.split('-').map(Number) as [number, number, number];
    const start = midnight(year, month, dayOfMonth);
    if (start === undefined) return refuse('is on a day that does not exist');
    const [hour, minute, second] = [Number(moment[2]), Number(moment[3]), Number(moment[4] ?? 0)];
    if (hour > 23 || minute > 59 || second > 59) return refuse('is a time of day that does not exist');
    const zone = moment[6]?.toUpperCase();
    if (zone === undefined)
      return refuse('has no offset from UTC; add one (Z, +01:00), or give the day alone');
    const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [undefined, '+', '0', '0'];
    const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0));
    if (Number(hours) > 23 || Number(minutes ?? 0) > 59)
      return refuse('has an offset from UTC that does not exist');
    const utc = new Date(start + ((hour * 60 + minute - offset) * 60 + second) * 1000).toISOString();
    if (!/^\d{4}-/.test(utc)) return refuse('is not of the years 0 to 9999 in UTC');
    const fraction = (moment[5] ?? '').replace(/0+$/, '');
    return { ok: true, date: `${utc.slice(0, 19)}${fraction && `.${fraction}`}Z` };
  }
  if (DAY_OR_MONTH_FIRST.test(text))
    return refuse('may have the day or the month first; write it as year-month-day (2026-11-24)');
  if (SERIAL_DAY.test(text))
    return refuse('looks like a day as a spreadsheet counts it; write it as year-month-day (2026-11-24)');
  return refuse('is no day (2026-11-24) and no moment (2026-11-24T08:30:00Z)');
}
