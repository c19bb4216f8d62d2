import { TitrateError } from '../../contracts';
import { columnError, isSmilesColumn } from './columns';
import type { RecordMaker } from './record-maker';
import { malformed, type SourceRecord } from './source-record';
import { MAX_LINE_CHARACTERS, type LineCursor } from './text-lines';

type JsonObject = Record<string, unknown>;

/** Objects after which a file in which none had the SMILES key is given up. */
const SMILES_PROBATION = 1000;
const MAX_KEYS_REMEMBERED = 1000;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What stands under a key, or under a dotted path of keys; undefined where nothing does. The key as it stands comes first. */
function valueAt(object: JsonObject, path: string): unknown {
  if (Object.hasOwn(object, path)) return object[path];
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const inner = Object.hasOwn(object, path.slice(0, dot)) ? object[path.slice(0, dot)] : undefined;
    const found = isObject(inner) ? valueAt(inner, path.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A cell's text; undefined for null and for what is not there. @throws Error saying why there is none. */
function cellText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number') {
    throw new Error(`'${name}' holds ${Array.isArray(value) ? 'an array' : 'an object'}, not one value`);
  }
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21) {
    throw new Error(`the number of '${name}' has more digits than a double can hold; write it as a string`);
  }
  return String(value);
}

/** Keys of an object as they can be named: nested ones as dotted paths. */
function pathsOf(object: JsonObject, prefix = ''): string[] {
  return Object.entries(object).flatMap(([key, value]) =>
    isObject(value) && prefix.length < 200 ? pathsOf(value, `${prefix}${key}.`) : [prefix + key],
  );
}

/**
 * Rows of NDJSON: one object a line, whose keys are the columns; nested values are named by a dotted path (`assay.value`). Numbers
 * and strings are both welcome; null is no cell. Streams; blank lines are passed over; a line that is no object comes out as malformed.
 * A record without a wanted key has no such cell; a key that no record has is an error, known at the end of the file (for the
 * SMILES after 1,000 records). Source: github.com/ndjson/ndjson-spec; RFC 8259.
 * @throws TitrateError source-unreadable without any line, column-missing naming the keys there are.
 */
export async function* readNdjson(cursor: LineCursor, maker: RecordMaker): AsyncGenerator<SourceRecord> {
  const { source, wanted } = maker;
  const keys = new Set<string>();
  const missing = new Set(wanted);
  let smilesSeen = false;
  let objects = 0;
  let lines = 0;

  const missingColumn = (name: string, option: string) => {
    const known = [...keys].sort();
    return columnError(source.uri, option, name, known);
  };
  /** The key of the SMILES in this object. @throws Error where two could be it. */
  const findSmilesKey = (object: JsonObject): string | undefined => {
    if (source.smilesColumn !== undefined) return source.smilesColumn;
    const found = Object.keys(object).filter((key) => isSmilesColumn(key, source));
    if (found.length > 1)
      throw new Error(`the keys ${found.map((key) => `'${key}'`).join(' and ')} could both be the SMILES`);
    return found[0];
  };

  function parse(text: string): JsonObject | null {
    try {
      const value: unknown = JSON.parse(text);
      return isObject(value) ? value : null;
    } catch {
      // The engine's own words differ between its versions, and quarantine must not.
      return null;
    }
  }

  function row(line: number, text: string, object: JsonObject): SourceRecord {
    try {
      if (keys.size < MAX_KEYS_REMEMBERED && objects <= SMILES_PROBATION) {
        for (const path of pathsOf(object)) keys.add(path);
      }
      const key = findSmilesKey(object);
      const value = key === undefined ? undefined : valueAt(object, key);
      smilesSeen ||= value !== undefined;
      const smiles = cellText(value, key ?? 'smiles') ?? '';
      const cells = wanted.map((column) => {
        const cell = valueAt(object, column.name);
        if (cell !== undefined && missing.size > 0) missing.delete(column);
        return cellText(cell, column.name);
      });
      return maker.record(line, text, { notation: 'smiles', text: smiles }, (i) => cells[i]);
    } catch (error) {
      return malformed(line, text, (error as Error).message);
    }
  }

  for (;;) {
    const line = cursor.take() ?? (await cursor.next());
    if (!line) break;
    const { number, text } = line;
    if (line.cut === undefined && !line.truncated && text.trim() === '') continue;
    lines++;
    if (line.cut !== undefined) yield maker.cut(number, text, line.cut);
    else if (line.truncated)
      yield malformed(number, text, `the line is longer than ${MAX_LINE_CHARACTERS} characters`);
    else {
      const object = parse(text);
      if (!object) {
        const why = text.includes('\0') ? 'encoding-invalid' : 'record-malformed';
        yield malformed(number, text, 'the line is not a JSON object', why);
        continue;
      }
      objects++;
      const record = row(number, text, object);
      if (objects === SMILES_PROBATION && !smilesSeen)
        throw missingColumn(source.smilesColumn ?? 'smiles', 'smilesColumn');
      yield record;
    }
  }
  if (lines === 0) {
    throw new TitrateError('source-unreadable', {
      what: 'there is no row in the file',
      where: source.uri,
      remedy: 'Give a file with one JSON object a line',
    });
  }
  if (objects > 0 && !smilesSeen) throw missingColumn(source.smilesColumn ?? 'smiles', 'smilesColumn');
  for (const { name, option } of objects > 0 ? missing : []) throw missingColumn(name, option);
}
