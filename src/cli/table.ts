import pc from 'picocolors';

type Cell = string | number | null | undefined;

/** A number as people read it: integers whole, others to four significant digits. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** Text of a file or a server may hold escape sequences, which a terminal would obey. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g;

const show = (cell: Cell) =>
  cell === null || cell === undefined
    ? '-'
    : typeof cell === 'number'
      ? formatNumber(cell)
      : cell.replace(CONTROLS, ' ');

/** Lines of a table: columns padded, numbers to the right. Empty rows give a line that says so. */
export function table(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  whenEmpty = 'nothing',
): string {
  if (rows.length === 0) return whenEmpty;
  const text = rows.map((row) => row.map(show));
  const widths = header.map((name, i) => Math.max(name.length, ...text.map((row) => row[i]!.length)));
  const numeric = header.map((_, i) => rows.every((row) => row[i] == null || typeof row[i] === 'number'));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [pc.bold(line(header)), ...text.map(line)].join('\n');
}

/** Lines `name  value`, names padded; entries without a value are left out. */
export function facts(entries: readonly (readonly [string, Cell])[]): string {
  const shown = entries.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${show(value)}`).join('\n');
}

/** A line of CSV as in RFC 4180, ended by LF. */
export function csvLine(cells: readonly Cell[]): string {
  const quote = (cell: Cell) => {
    const text = cell === null || cell === undefined ? '' : String(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${cells.map(quote).join(',')}\n`;
}

/** CSV with a header. */
export function toCsv(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map(csvLine).join('');
}
