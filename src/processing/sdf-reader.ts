import { nearestName, TitrateError } from '../contracts';
import { GARBLED_MESSAGE, isGarbled, malformed, type SourceRecord } from './source-record';
import type { TextLine } from './text-lines';

/** Names of the data fields to read, matched exactly. */
export interface SdfFields {
  readonly compoundId?: string;
  readonly value?: string;
  readonly qualifier?: string;
}

/** Longest record kept, characters; the rest of a longer one is passed over up to its `$$$$`. */
const MAX_RECORD_CHARACTERS = 1 << 20;

const DATA_HEADER = /^>[^<]*<(.+)>[^>]*$/;
/** A molblock's header block: name, program, comment, counts. Anything may stand in the first three. */
const HEADER_LINES = 4;

interface ParsedRecord {
  readonly molblock: string;
  /** Values by field name; null for a field that stands there twice with different values. */
  readonly fields: ReadonlyMap<string, string | null>;
}

function parseRecord(lines: readonly string[]): ParsedRecord {
  const end = lines.findIndex((line, i) => i >= HEADER_LINES && /^M {2}END\s*$/.test(line));
  const firstField = lines.findIndex(
    (line, i) => i >= Math.max(HEADER_LINES, end + 1) && DATA_HEADER.test(line),
  );
  const blockLines = end >= 0 ? end + 1 : firstField >= 0 ? firstField : lines.length;
  const fields = new Map<string, string | null>();
  for (let i = blockLines; i < lines.length; i++) {
    const name = DATA_HEADER.exec(lines[i]!)?.[1];
    if (name === undefined) continue;
    const value: string[] = [];
    while (i + 1 < lines.length && lines[i + 1]!.trim() !== '') value.push(lines[++i]!);
    const text = value.join('\n').trim();
    fields.set(name, fields.has(name) && fields.get(name) !== text ? null : text);
  }
  return { molblock: `${lines.slice(0, blockLines).join('\n')}\n`, fields };
}

/**
 * Records of an SD file: a molblock (V2000 or V3000), data fields, `$$$$`; the last terminator may be missing. Streams; a record's
 * line is that of its first line. A record without a wanted field has no such value; a field that no record has is an error,
 * known at the end of the file.
 * Source: CTFile Formats, BIOVIA, chapter "SDfiles".
 * @param where the source's name, for messages
 * @throws TitrateError source-unreadable without any record, column-missing naming the fields there are.
 */
export async function* readSdf(
  lines: AsyncIterable<TextLine>,
  wanted: SdfFields,
  where: string,
): AsyncGenerator<SourceRecord> {
  const seen = new Set<string>();
  let record: string[] = [];
  let firstLine = 1;
  let characters = 0;
  let cut = false;
  let records = 0;

  const take = (): SourceRecord => {
    records++;
    const raw = record.join('\n');
    if (cut) return malformed(firstLine, raw, 'the record is longer than 1,048,576 characters');
    if (raw.trim() === '') return malformed(firstLine, raw, 'the record is empty');
    const { molblock, fields } = parseRecord(record);
    for (const name of fields.keys()) if (seen.size < 1000) seen.add(name);
    for (const name of [wanted.compoundId, wanted.value, wanted.qualifier]) {
      if (name === undefined || !fields.has(name)) continue;
      seen.add(name);
      if (fields.get(name) === null)
        return malformed(firstLine, raw, `the field '${name}' stands there twice, with different values`);
    }
    const field = (name: string | undefined) =>
      name === undefined ? undefined : (fields.get(name) ?? undefined);
    const [compoundId, value, qualifier] = [
      field(wanted.compoundId),
      field(wanted.value),
      field(wanted.qualifier),
    ];
    if (isGarbled(compoundId, value, qualifier)) return malformed(firstLine, raw, GARBLED_MESSAGE);
    const structure = { notation: 'molblock', text: molblock } as const;
    return {
      ok: true,
      line: firstLine,
      raw,
      structure,
      compoundId: compoundId || undefined,
      value,
      qualifier,
    };
  };

  for await (const { number, text, truncated } of lines) {
    if (text.startsWith('$$$$')) {
      yield take();
      record = [];
      firstLine = number + 1;
      characters = 0;
      cut = false;
    } else if (!cut) {
      characters += text.length + 1;
      cut = truncated || characters > MAX_RECORD_CHARACTERS;
      // What is kept of a record that is too long only has to show where it stood.
      record.push(cut ? text.slice(0, 2000) : text);
    }
  }
  if (record.some((line) => line.trim() !== '')) yield take();

  if (records === 0) {
    throw new TitrateError('source-unreadable', {
      what: 'there is no record in the file',
      where,
      remedy: 'Give an SD file with records that end in $$$$',
    });
  }
  const listed = [...seen]
    .sort()
    .slice(0, 50)
    .map((name) => `'${name}'`)
    .join(', ');
  for (const [option, name] of Object.entries({
    compoundIdColumn: wanted.compoundId,
    valueColumn: wanted.value,
    qualifierColumn: wanted.qualifier,
  })) {
    if (name === undefined || seen.has(name)) continue;
    const near = nearestName(name, [...seen]);
    throw new TitrateError('column-missing', {
      what: `no record has a field '${name}'; ${seen.size ? `the fields are ${listed}` : 'the records have no fields'}`,
      where,
      remedy: `${near ? `Did you mean '${near}'? ` : ''}Set ${option} to a field of the file, or leave it out`,
    });
  }
}
