import { TitrateError, type SourceSpec, type TextEncoding } from '../../contracts';
import { CELL_OPTIONS } from './columns';
import { RecordMaker } from './record-maker';
import { malformed, type SourceRecord } from './source-record';
import { MAX_LINE_CHARACTERS, type LineCursor } from './text-lines';

/** The first word of a header: no SMILES ends like this. */
const HEADER_WORD = /smiles$/i;
/** A CXSMILES extension between the SMILES and the name. Source: ChemAxon Extended SMILES. */
const EXTENSION = /^\|[^|]*\|(?=\s|$)\s*/;

/** Whether a line is the header of a SMILES list (`smiles name`). */
export const isSmilesHeader = (line: string): boolean => HEADER_WORD.test(line.trim().split(/\s/)[0]!);

/**
 * Rows of a SMILES list: a SMILES and, after white space, maybe the compound's name (its compoundId). Lines that begin with '#' are
 * comments; a header is recognised by its first word; a CXSMILES extension between bars is set aside, since the standard form has none.
 * Streams; blank lines are passed over.
 * @throws TitrateError source-unreadable where there is no line at all.
 */
export async function* readSmilesList(cursor: LineCursor, maker: RecordMaker): AsyncGenerator<SourceRecord> {
  let any = false;
  for (;;) {
    const line = cursor.take() ?? (await cursor.next());
    if (!line) break;
    const { number, text } = line;
    if (line.cut !== undefined) {
      yield maker.cut(number, text, line.cut);
      any = true;
      continue;
    }
    if (line.truncated) {
      yield malformed(number, text, `the line is longer than ${MAX_LINE_CHARACTERS} characters`);
      any = true;
      continue;
    }
    const trimmed = text.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    if (!any) {
      any = true;
      if (isSmilesHeader(trimmed)) continue;
    }
    const gap = trimmed.search(/\s/);
    const smiles = gap < 0 ? trimmed : trimmed.slice(0, gap);
    const name = gap < 0 ? '' : trimmed.slice(gap).trimStart().replace(EXTENSION, '');
    yield maker.record(number, text, { notation: 'smiles', text: smiles }, () => name);
  }
  if (!any) {
    throw new TitrateError('source-unreadable', {
      what: 'there is no molecule in the file',
      where: maker.source.uri,
      remedy: 'Give a file with a SMILES on each line, and maybe a name after it',
    });
  }
}

/** A maker whose one wanted cell is the name beside the SMILES. */
export function smilesListMaker(source: SourceSpec, encoding: TextEncoding): RecordMaker {
  return new RecordMaker(source, encoding, [
    { cell: 'compoundId', option: CELL_OPTIONS.compoundId, name: 'name' },
  ]);
}
