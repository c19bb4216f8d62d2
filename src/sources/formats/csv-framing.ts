import { malformed, type MalformedRecord } from './source-record';
import { MAX_LINE_CHARACTERS, type LineCursor, type TextLine } from './text-lines';

/** A quoted field that has not ended after this many characters began with a stray quote. */
const MAX_QUOTED_CHARACTERS = 1 << 16;

export interface FramedRecord {
  readonly line: number;
  /** The record's lines, joined by LF. */
  readonly raw: string;
}

/** Follows quoting over one line. Quotes only count at the start of a field (RFC 4180); elsewhere they are text. */
function scanQuotes(text: string, delimiter: string, open: boolean): 'closed' | 'open' | 'broken' {
  let at = 0;
  let quoted = open;
  for (;;) {
    if (!quoted) {
      if (text[at] !== '"') {
        const next = text.indexOf(delimiter, at);
        if (next < 0) return 'closed';
        at = next + 1;
        continue;
      }
      at++;
    }
    const quote = text.indexOf('"', at);
    if (quote < 0) return 'open';
    quoted = text[quote + 1] === '"';
    at = quote + 2;
    if (quoted) continue;
    if (quote + 1 === text.length) return 'closed';
    if (text[quote + 1] !== delimiter) return 'broken';
  }
}

/**
 * The record that begins with `first`, over several lines where a quoted field holds line ends. Where the quoting does not come out,
 * the first line alone is given up and reading goes on at the second: one stray quote must not swallow the rows after it.
 * Where the source is cut inside a record, all of the record is given up.
 * Source: RFC 4180.
 */
export async function frameRecord(
  first: TextLine,
  cursor: LineCursor,
  delimiter: string,
): Promise<FramedRecord | MalformedRecord> {
  const { number, text } = first;
  if (first.cut !== undefined) return malformed(number, text, first.cut, 'source-truncated');
  if (first.truncated)
    return malformed(number, text, `the line is longer than ${MAX_LINE_CHARACTERS} characters`);
  if (delimiter === ' ' || !text.includes('"')) return { line: number, raw: text };

  const lines = [first];
  let characters = text.length;
  let state = scanQuotes(text, delimiter, false);
  while (state === 'open') {
    const next = characters > MAX_QUOTED_CHARACTERS ? null : await cursor.next();
    if (!next) {
      cursor.unread(lines.slice(1));
      return malformed(number, text, 'a quoted field does not end');
    }
    lines.push(next);
    if (next.cut !== undefined) {
      return malformed(number, lines.map((line) => line.text).join('\n'), next.cut, 'source-truncated');
    }
    characters += next.text.length;
    state = next.truncated ? 'broken' : scanQuotes(next.text, delimiter, true);
  }
  if (state === 'broken') {
    cursor.unread(lines.slice(1));
    return malformed(number, text, 'a quoted field is followed by text; double the quotes inside it');
  }
  return { line: number, raw: lines.length === 1 ? text : lines.map((line) => line.text).join('\n') };
}

/** Cells of one framed record. Between blanks (delimiter ' ') any run of white space separates. */
export function splitCells(raw: string, delimiter: string): string[] {
  if (delimiter === ' ') return raw.trim().split(/\s+/);
  if (!raw.includes('"')) return raw.split(delimiter);
  const cells: string[] = [];
  for (let at = 0; ;) {
    let cell = '';
    if (raw[at] === '"') {
      for (at++; ; at++) {
        const quote = raw.indexOf('"', at);
        cell += raw.slice(at, quote);
        at = quote + 1;
        if (raw[at] !== '"') break;
        cell += '"';
      }
    }
    const next = raw.indexOf(delimiter, at);
    cells.push(cell + raw.slice(at, next < 0 ? undefined : next));
    if (next < 0) return cells;
    at = next + 1;
  }
}
