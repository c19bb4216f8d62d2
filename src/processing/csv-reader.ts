import { parse } from 'csv-parse/sync';
import { nearestName, TitrateError } from '../contracts';
import {
  GARBLED_MESSAGE,
  isGarbled,
  malformed,
  type MalformedRecord,
  type SourceRecord,
} from './source-record';
import type { TextLine } from './text-lines';

/** The columns to read. Names are matched exactly; without `smiles`, the column 'smiles' in any case is taken. */
export interface CsvColumns {
  readonly smiles?: string;
  readonly compoundId?: string;
  readonly value?: string;
  readonly qualifier?: string;
}

const DELIMITERS = [',', ';', '\t'] as const;

/** A quoted field that has not ended after this many characters began with a stray quote. */
const MAX_QUOTED_CHARACTERS = 1 << 16;

interface FramedRecord {
  readonly line: number;
  readonly raw: string;
}

/** Lines one by one, and back again. */
class LineCursor {
  private readonly returned: TextLine[] = [];
  constructor(private readonly lines: AsyncIterator<TextLine>) {}

  async next(): Promise<TextLine | null> {
    const back = this.returned.pop();
    if (back) return back;
    const { done, value } = await this.lines.next();
    return done ? null : value;
  }

  unread(lines: readonly TextLine[]): void {
    this.returned.push(...[...lines].reverse());
  }
}

/** Follows quoting over one line. Quotes only count at the start of a field (RFC 4180); elsewhere they are text. */
function scanQuotes(text: string, delimiter: string, open: boolean): 'closed' | 'open' | 'broken' {
  let quoted = open;
  let atFieldStart = !open;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') continue;
      if (text[i + 1] === '"') i++;
      else {
        quoted = false;
        const next = text[i + 1];
        if (next !== undefined && next !== delimiter) return 'broken';
      }
    } else if (c === '"' && atFieldStart) {
      quoted = true;
      atFieldStart = false;
    } else {
      atFieldStart = c === delimiter;
    }
  }
  return quoted ? 'open' : 'closed';
}

/**
 * The next record, over several lines where a quoted field holds line ends. Where the quoting does not come out, the first
 * line alone is given up and reading goes on at the second: one stray quote must not swallow the rows after it.
 */
async function frameRecord(
  cursor: LineCursor,
  delimiter: string,
): Promise<FramedRecord | MalformedRecord | null> {
  let first = await cursor.next();
  while (first && first.text.trim() === '') first = await cursor.next();
  if (!first) return null;
  const giveUp = (message: string) => malformed(first.number, first.text, message);
  if (first.truncated) return giveUp('the line is longer than 1,048,576 characters');
  if (!first.text.includes('"')) return { line: first.number, raw: first.text };

  const lines = [first];
  let characters = first.text.length;
  let state = scanQuotes(first.text, delimiter, false);
  while (state === 'open') {
    const next = characters > MAX_QUOTED_CHARACTERS ? null : await cursor.next();
    if (!next) {
      cursor.unread(lines.slice(1));
      return giveUp('a quoted field does not end');
    }
    lines.push(next);
    characters += next.text.length;
    state = next.truncated ? 'broken' : scanQuotes(next.text, delimiter, true);
  }
  if (state === 'broken') {
    cursor.unread(lines.slice(1));
    return giveUp('a quoted field is followed by text; double the quotes inside it');
  }
  return { line: first.number, raw: lines.map((line) => line.text).join('\n') };
}

/** Cells of one framed record. @throws Error from csv-parse where the record is none. */
function cellsOf(raw: string, delimiter: string): string[] {
  if (!raw.includes('"')) return raw.split(delimiter);
  const records = parse(raw, { delimiter, relax_column_count: true, relax_quotes: true });
  if (records.length !== 1) throw new Error(`the quoting makes ${records.length} records of one`);
  return records[0]!;
}

function detectDelimiter(header: string): string {
  const plain = header.replace(/"(?:[^"]|"")*"/g, '');
  const count = (delimiter: string) => plain.split(delimiter).length - 1;
  return [...DELIMITERS].sort((a, b) => count(b) - count(a))[0]!;
}

function findColumns(header: readonly string[], wanted: CsvColumns, where: string) {
  const listed =
    header
      .slice(0, 50)
      .map((name) => `'${name}'`)
      .join(', ') + (header.length > 50 ? ', …' : '');
  const find = (name: string, option: string, matches: (column: string) => boolean) => {
    const at = header.flatMap((column, i) => (matches(column) ? [i] : []));
    if (at.length === 1) return at[0]!;
    const near = nearestName(name, header);
    throw new TitrateError('column-missing', {
      what: at.length
        ? `${at.length} columns are called '${name}'; the columns are ${listed}`
        : `there is no column '${name}'; the columns are ${listed}`,
      where: `${where}, header`,
      remedy: at.length
        ? `Rename one of them, or set ${option}`
        : `${near ? `Did you mean '${near}'? ` : ''}Set ${option} to one of them; the first line of the file must name the columns`,
    });
  };
  const named = (name: string, option: string) => find(name, option, (column) => column === name);
  return {
    smiles:
      wanted.smiles === undefined
        ? find('smiles', 'smilesColumn', (column) => column.toLowerCase() === 'smiles')
        : named(wanted.smiles, 'smilesColumn'),
    compoundId: wanted.compoundId === undefined ? -1 : named(wanted.compoundId, 'compoundIdColumn'),
    value: wanted.value === undefined ? -1 : named(wanted.value, 'valueColumn'),
    qualifier: wanted.qualifier === undefined ? -1 : named(wanted.qualifier, 'qualifierColumn'),
  };
}

/**
 * Rows of delimited text with a header; the delimiter (comma, semicolon or tab) is the header's most frequent. Streams; blank lines
 * are passed over; a row that cannot be read comes out as malformed and stops nothing.
 * @param where the source's name, for messages
 * @throws TitrateError source-unreadable without a readable header, column-missing naming the columns there are.
 */
export async function* readCsv(
  lines: AsyncIterator<TextLine>,
  wanted: CsvColumns,
  where: string,
): AsyncGenerator<SourceRecord> {
  try {
    yield* readRows(new LineCursor(lines), wanted, where);
  } finally {
    // Whoever stops reading early lets go of the file.
    await lines.return?.();
  }
}

async function* readRows(
  cursor: LineCursor,
  wanted: CsvColumns,
  where: string,
): AsyncGenerator<SourceRecord> {
  let first = await cursor.next();
  while (first && first.text.trim() === '') first = await cursor.next();
  const noHeader = (what: string) =>
    new TitrateError('source-unreadable', {
      what,
      where,
      remedy: 'The first line must name the columns, for instance smiles,id',
    });
  if (!first) throw noHeader('there is no header');
  const delimiter = detectDelimiter(first.text);
  cursor.unread([first]);
  const framed = (await frameRecord(cursor, delimiter))!;
  if ('ok' in framed) throw noHeader(`the header cannot be read: ${framed.message}`);
  const header = cellsOf(framed.raw, delimiter).map((name) => name.trim());
  const columns = findColumns(header, wanted, where);

  for (;;) {
    const record = await frameRecord(cursor, delimiter);
    if (!record) return;
    yield 'ok' in record ? record : toRecord(record);
  }

  function toRecord({ line, raw }: FramedRecord): SourceRecord {
    let cells: string[];
    try {
      cells = cellsOf(raw, delimiter);
    } catch (error) {
      return malformed(line, raw, (error as Error).message);
    }
    if (cells.length !== header.length) {
      return malformed(
        line,
        raw,
        `the row has ${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}, the header ${header.length}`,
      );
    }
    const cell = (index: number) => (index < 0 ? undefined : cells[index]!.trim());
    const smiles = cell(columns.smiles)!;
    const [compoundId, value, qualifier] = [
      cell(columns.compoundId),
      cell(columns.value),
      cell(columns.qualifier),
    ];
    if (isGarbled(smiles, compoundId, value, qualifier)) return malformed(line, raw, GARBLED_MESSAGE);
    return {
      ok: true,
      line,
      raw,
      structure: { notation: 'smiles', text: smiles },
      compoundId: compoundId || undefined,
      value,
      qualifier,
    };
  }
}
