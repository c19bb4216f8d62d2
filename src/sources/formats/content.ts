import type { SourceFormat, SourceSpec } from '../../contracts';
import { isSmilesColumn, namesColumns, wantedColumns } from './columns';
import { splitCells } from './csv-framing';
import { SEPARATOR_LINE } from './csv';
import { isSmilesHeader } from './smiles-list';
import { looksLikeSmiles } from './smiles-text';

export const DELIMITERS = [',', ';', '\t', '|'] as const;
/** Rows looked at to find the delimiter. */
const SAMPLE_ROWS = 50;

const filled = (lines: readonly string[]) => lines.filter((line) => line.trim() !== '');

/**
 * The delimiter of a table: the one whose header names the wanted columns, with which the first rows have as many cells as the header,
 * and which is the most frequent; a comma where there is only one column.
 * @param lines the first lines of the file
 * @param candidates one character each; ' ' stands for runs of white space
 */
export function detectDelimiter(
  lines: readonly string[],
  source: SourceSpec,
  candidates: readonly string[] = DELIMITERS,
): string {
  const sample = filled(lines).slice(0, SAMPLE_ROWS + 1);
  const stated = SEPARATOR_LINE.exec(sample[0] ?? '')?.[1];
  if (stated !== undefined) return stated;
  const names = new Set(wantedColumns(source).map((column) => column.name));
  const scores = candidates.map((delimiter) => {
    const rows = sample.map((line) => countedCells(line, delimiter));
    const header = rows[0] ?? [];
    const wanted = header.filter((name) => isSmilesColumn(name, source) || names.has(name)).length;
    // A line that is part of a quoted cell has any number of cells; whole tables agree all the same.
    const consistent = rows.filter((cells) => cells.length === header.length).length;
    return {
      delimiter,
      columns: header.length,
      wanted,
      consistent: header.length > 1 ? consistent / rows.length : 0,
    };
  });
  scores.sort((a, b) => b.wanted - a.wanted || b.consistent - a.consistent || b.columns - a.columns);
  return scores[0] && scores[0].columns > 1 ? scores[0].delimiter : (candidates[0] ?? ',');
}

function countedCells(line: string, delimiter: string): string[] {
  // Quotes that do not close belong to a cell of several lines; here only the number of cells matters.
  const quotes = line.split('"').length - 1;
  const closed = quotes % 2 === 0 ? line : `${line}"`;
  return wellQuoted(closed, delimiter).map((cell) => cell.trim());
}

/** Cells of a line whose quoting may be anything. */
function wellQuoted(line: string, delimiter: string): string[] {
  const opaque = line.replace(/"(?:[^"]|"")*"/g, (quoted) =>
    quoted.slice(1, -1).replaceAll('""', "'").replaceAll(delimiter, '\u0001'),
  );
  return splitCells(opaque.replaceAll('"', "'"), delimiter);
}

/**
 * The format that text is in by its first lines; null where they do not tell.
 * @param lines the first lines of the file, the last of them whole
 */
export function formatOfContent(lines: readonly string[], source: SourceSpec): SourceFormat | null {
  const rows = filled(lines);
  const first = rows[0]?.trim() ?? '';
  if (first.startsWith('{')) return 'ndjson';
  if (lines.some((line) => /^(M {2}END|\$\$\$\$)/.test(line)) || /V[23]000\s*$/.test(lines[3] ?? ''))
    return 'sdf';
  const table = () => (detectDelimiter(lines, source) === '\t' ? 'tsv' : 'csv');
  if (SEPARATOR_LINE.test(first)) return 'csv';
  const data = rows.find((line) => !line.trimStart().startsWith('#'))?.trim() ?? '';
  if (namesColumns(source)) return isDelimited(data, source) ? table() : 'smi';
  const header = countedCells(data, detectDelimiter(lines, source));
  if (header.length > 1 && header.some((name) => isSmilesColumn(name, source))) return table();
  if (isSmilesHeader(data)) return 'smi';
  const [word] = data.split(/\s/);
  if (looksLikeSmiles(word ?? '')) return 'smi';
  return DELIMITERS.some((delimiter) => data.includes(delimiter)) ? table() : null;
}

/** The delimiter of a SMILES list with named columns: runs of white space where its header has no other. */
export function detectListDelimiter(lines: readonly string[], source: SourceSpec): string {
  const header = filled(lines)[0] ?? '';
  if (header.includes('\t')) return '\t';
  const candidates = DELIMITERS.filter((delimiter) => header.includes(delimiter));
  return candidates.length > 0 ? detectDelimiter(lines, source, candidates) : ' ';
}

/** Whether a header is separated by one of the delimiters rather than by blanks. */
const isDelimited = (header: string, source: SourceSpec) =>
  DELIMITERS.some((delimiter) => header.includes(delimiter)) || isSmilesColumn(header, source);
