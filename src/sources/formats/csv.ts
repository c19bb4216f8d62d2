import { TitrateError } from '../../contracts';
import { findColumns } from './columns';
import { frameRecord, splitCells } from './csv-framing';
import type { RecordMaker } from './record-maker';
import { malformed, type SourceRecord } from './source-record';
import type { LineCursor, TextLine } from './text-lines';

/** Excel's first line that tells the delimiter; it is no row. */
export const SEPARATOR_LINE = /^"?sep=(.)"?$/i;

/** The header's line and its cells, after blank lines and a `sep=` line. */
async function readHeader(cursor: LineCursor, delimiter: string, where: string): Promise<string[]> {
  const noHeader = (what: string) =>
    new TitrateError('source-unreadable', {
      what,
      where,
      remedy: 'The first line must name the columns, for instance smiles,id',
    });
  let first: TextLine | null;
  do first = await cursor.next();
  while (first && first.cut === undefined && (isBlank(first) || SEPARATOR_LINE.test(first.text)));
  if (!first) throw noHeader('there is no header');
  const framed = await frameRecord(first, cursor, delimiter);
  if ('ok' in framed) throw noHeader(`the header cannot be read: ${framed.message}`);
  return splitCells(framed.raw, delimiter).map((name) => name.trim());
}

const isBlank = ({ text }: TextLine) => text === '' || (text.charCodeAt(0) <= 0x20 && text.trim() === '');

/**
 * Rows of delimited text with a header. Streams; blank lines are passed over; a row that cannot be read comes out as malformed and
 * stops nothing. Between blanks (delimiter ' ') any run of white space separates, and quotes are text.
 * Source: RFC 4180.
 * @param delimiter one character
 * @throws TitrateError source-unreadable without a readable header, column-missing naming the columns there are.
 */
export async function* readCsv(
  cursor: LineCursor,
  maker: RecordMaker,
  delimiter: string,
): AsyncGenerator<SourceRecord> {
  const header = await readHeader(cursor, delimiter, maker.source.uri);
  const columns = findColumns(header, maker.source, maker.wanted);

  for (;;) {
    const line = cursor.take() ?? (await cursor.next());
    if (!line) return;
    if (line.cut === undefined && isBlank(line)) continue;
    const plain = !line.truncated && line.cut === undefined && !line.text.includes('"');
    if (plain) yield row(line.number, line.text);
    else {
      const framed = await frameRecord(line, cursor, delimiter);
      yield 'ok' in framed ? framed : row(framed.line, framed.raw);
    }
  }

  function row(line: number, raw: string): SourceRecord {
    const cells = splitCells(raw, delimiter);
    if (cells.length !== header.length) {
      const count = `${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}`;
      const why = raw.includes('\0') ? 'encoding-invalid' : 'record-malformed';
      return malformed(line, raw, `the row has ${count}, the header ${header.length}`, why);
    }
    const structure = { notation: 'smiles', text: cells[columns.smiles]! } as const;
    return maker.record(line, raw, structure, (i) => cells[columns.cells[i]!]);
  }
}
