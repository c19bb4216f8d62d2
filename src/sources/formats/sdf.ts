import { nearestName, TitrateError } from '../../contracts';
import { listed } from './columns';
import type { RecordMaker } from './record-maker';
import { malformed, type SourceRecord } from './source-record';
import type { LineCursor } from './text-lines';

/** Longest record kept, characters; the rest of a longer one is passed over up to its `$$$$`. */
const MAX_RECORD_CHARACTERS = 1 << 20;
const MAX_FIELDS_REMEMBERED = 1000;

const DATA_HEADER = /^>[^<]*<(.+)>[^>]*$/;
const MOLBLOCK_END = /^M {2}END\s*$/;
/** A molblock's header block: name, program, comment, counts. Anything may stand in the first three. */
const HEADER_LINES = 4;

interface ParsedRecord {
  readonly molblock: string;
  /** Values by field name; null for a field that stands there twice with different values. */
  readonly fields: ReadonlyMap<string, string | null>;
  /** Lines `M  END` outside of values. */
  readonly ends: number;
}

function parseRecord(lines: readonly string[]): ParsedRecord {
  const end = lines.findIndex((line, i) => i >= HEADER_LINES && MOLBLOCK_END.test(line));
  const firstField = lines.findIndex(
    (line, i) => i >= Math.max(HEADER_LINES, end + 1) && DATA_HEADER.test(line),
  );
  const blockLines = end >= 0 ? end + 1 : firstField >= 0 ? firstField : lines.length;
  const fields = new Map<string, string | null>();
  let ends = end >= 0 ? 1 : 0;
  for (let i = blockLines; i < lines.length; i++) {
    const name = DATA_HEADER.exec(lines[i]!)?.[1];
    if (name === undefined) {
      if (MOLBLOCK_END.test(lines[i]!)) ends++;
      continue;
    }
    const value: string[] = [];
    while (i + 1 < lines.length && lines[i + 1]!.trim() !== '') value.push(lines[++i]!);
    const text = value.join('\n').trim();
    fields.set(name, fields.has(name) && fields.get(name) !== text ? null : text);
  }
  return { molblock: `${lines.slice(0, blockLines).join('\n')}\n`, fields, ends };
}

/**
 * Records of an SD file: a molblock (V2000 or V3000), data fields, `$$$$`; the last terminator may be missing. The structure is the
 * molblock, or the SMILES in the field that the source names, where the record has it. Streams; a record's line is that of its first
 * line. A record without a wanted field has no such value; a field that no record has is an error, known at the end of the file.
 * Source: CTFile Formats, BIOVIA, chapter "SDfiles".
 * @throws TitrateError source-unreadable without any record, column-missing naming the fields there are.
 */
export async function* readSdf(cursor: LineCursor, maker: RecordMaker): AsyncGenerator<SourceRecord> {
  const { source, wanted } = maker;
  const { smilesColumn } = source;
  const seen = new Set<string>();
  let lines: string[] = [];
  let firstLine = 1;
  let characters = 0;
  let tooLong = false;
  let records = 0;

  const take = (terminated: boolean): SourceRecord => {
    records++;
    const raw = lines.join('\n');
    const bad = (message: string, reason?: 'source-truncated') => malformed(firstLine, raw, message, reason);
    if (tooLong) return bad(`the record is longer than ${MAX_RECORD_CHARACTERS} characters`);
    if (raw.trim() === '') return bad('the record is empty');
    const { molblock, fields, ends } = parseRecord(lines);
    if (ends > 1) return bad(`the record has ${ends} molblocks: a line $$$$ is missing between them`);
    if (ends === 0 && !terminated)
      return bad("the last record ends without 'M  END' and '$$$$': the file was cut", 'source-truncated');
    for (const name of fields.keys()) if (seen.size < MAX_FIELDS_REMEMBERED) seen.add(name);
    for (const name of [smilesColumn, ...wanted.map((column) => column.name)]) {
      if (name === undefined || !fields.has(name)) continue;
      seen.add(name);
      if (fields.get(name) === null)
        return bad(`the field '${name}' stands there twice, with different values`);
    }
    const smiles = smilesColumn === undefined ? '' : (fields.get(smilesColumn) ?? '');
    const structure =
      smiles === ''
        ? ({ notation: 'molblock', text: molblock } as const)
        : ({ notation: 'smiles', text: smiles } as const);
    return maker.record(firstLine, raw, structure, (i) => fields.get(wanted[i]!.name) ?? undefined);
  };

  let cut: string | undefined;
  for (;;) {
    const line = cursor.take() ?? (await cursor.next());
    if (!line) break;
    const { number, text, truncated } = line;
    ({ cut } = line);
    if (cut === undefined && text.startsWith('$$$$')) {
      yield take(true);
      lines = [];
      firstLine = number + 1;
      characters = 0;
      tooLong = false;
    } else if (!tooLong) {
      characters += text.length + 1;
      tooLong = truncated || characters > MAX_RECORD_CHARACTERS;
      // What is kept of a record that is too long only has to show where it stood.
      lines.push(tooLong ? text.slice(0, 2000) : text);
    }
  }
  if (cut !== undefined) {
    records++;
    yield maker.cut(firstLine, lines.join('\n'), cut);
  } else if (lines.some((line) => line.trim() !== '')) yield take(false);

  if (records === 0) {
    throw new TitrateError('source-unreadable', {
      what: 'there is no record in the file',
      where: source.uri,
      remedy: 'Give an SD file with records that end in $$$$',
    });
  }
  const options = [
    ...wanted,
    ...(smilesColumn === undefined ? [] : [{ option: 'smilesColumn', name: smilesColumn }]),
  ];
  for (const { option, name } of options) {
    if (seen.has(name)) continue;
    const near = nearestName(name, [...seen]);
    const fields = seen.size ? `the fields are ${listed([...seen].sort())}` : 'the records have no fields';
    throw new TitrateError('column-missing', {
      what: `no record has a field '${name}'; ${fields}`,
      where: source.uri,
      remedy: `${near ? `Did you mean '${near}'? ` : ''}Set ${option} to a field of the file, or leave it out`,
    });
  }
}
