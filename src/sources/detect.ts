import { isAscii } from 'node:buffer';
import {
  TitrateError,
  type SourceFormat,
  type SourceReading,
  type SourceSpec,
  type TextEncoding,
} from '../contracts';
import { piecesOf } from './formats/bytes';
import { checkColumns, namesColumns } from './formats/columns';
import { detectDelimiter, detectListDelimiter, formatOfContent } from './formats/content';
import { inflate } from './formats/inflate';
import { SourceCut } from './formats/source-cut';
import { formatOfName, isParquet, knownBinary } from './formats/source-format';
import { byteOrderMark, createDecoder, utf16ByZeros, Utf8Census } from './formats/text-encoding';
import type { OpenBytes } from './sources';

/** Decompressed bytes that format and delimiter are judged by. */
const HEAD_BYTES = 1 << 16;

const GZIP_MAGIC = [0x1f, 0x8b];

/** The first pieces of a stream until they hold `bytes`, and all pieces again with them. */
async function peek(
  pieces: AsyncGenerator<Uint8Array>,
  bytes: number,
): Promise<{ head: Buffer; all: AsyncGenerator<Uint8Array> }> {
  const first: Uint8Array[] = [];
  let have = 0;
  while (have < bytes) {
    const { done, value } = await pieces.next();
    if (done) break;
    first.push(value);
    have += value.length;
  }
  const head = Buffer.concat(first);
  const all = async function* () {
    try {
      if (head.length > 0) yield head as Uint8Array;
      yield* pieces;
    } finally {
      await pieces.return(undefined);
    }
  };
  return { head, all: all() };
}

interface Scan {
  readonly compression: SourceReading['compression'];
  /** The first HEAD_BYTES, decompressed. */
  readonly head: Buffer;
  /** The head is all there is. */
  readonly whole: boolean;
  /** What the text as a whole can be; null: it was not asked for. */
  readonly census: Utf8Census | null;
  readonly cut: string | null;
}

/** Reads the head, and all the rest too where only that tells the encoding. */
async function scan(raw: OpenBytes, encodingIsKnown: (head: Buffer) => boolean): Promise<Scan> {
  const source = piecesOf(raw);
  const { head: magic, all } = await peek(source, GZIP_MAGIC.length);
  const compression = GZIP_MAGIC.every((byte, i) => magic[i] === byte) ? 'gzip' : 'none';
  const pieces = compression === 'gzip' ? inflate(all, () => piecesOf(raw)) : all;

  const first: Uint8Array[] = [];
  let have = 0;
  let census: Utf8Census | null = null;
  let whole = true;
  let cut: string | null = null;
  try {
    for await (const piece of pieces) {
      if (have < HEAD_BYTES) {
        first.push(piece);
        have += piece.length;
        if (have < HEAD_BYTES) continue;
        const head = Buffer.concat(first);
        whole = false;
        if (encodingIsKnown(head)) break;
        census = new Utf8Census();
        census.add(head);
      } else if (!isAscii(piece) || census!.inSequence) census!.add(piece);
    }
  } catch (error) {
    if (!(error instanceof SourceCut)) throw error;
    cut = error.message;
  } finally {
    await all.return(undefined);
  }
  const head = Buffer.concat(first);
  if (whole && !encodingIsKnown(head)) {
    census = new Utf8Census();
    census.add(head);
  }
  // A character that was cut says nothing about the encoding.
  if (cut === null) census?.end();
  return { compression, head: head.subarray(0, HEAD_BYTES), whole: whole && have <= HEAD_BYTES, census, cut };
}

/** The encoding that the first bytes tell for certain. */
const encodingOfHead = (head: Uint8Array) => byteOrderMark(head) ?? utf16ByZeros(head.subarray(0, 4096));

function chooseEncoding(source: SourceSpec, { head, census }: Scan): TextEncoding {
  const seen = encodingOfHead(head);
  const stated = source.encoding;
  if (seen === 'utf-32') {
    throw new TitrateError('source-unreadable', {
      what: 'the file is UTF-32 text',
      where: source.uri,
      remedy: 'Save it as UTF-8 text',
    });
  }
  const wide = (encoding: TextEncoding | null) => encoding === 'utf-16le' || encoding === 'utf-16be';
  if (stated !== undefined && stated !== seen && (wide(stated) || seen !== null)) {
    throw new TitrateError('config-invalid', {
      what: `encoding '${stated}' is stated, but the file begins as ${seen ?? 'text of one byte a character'}`,
      where: source.uri,
      remedy: 'State the right encoding, or leave it out to have it detected',
    });
  }
  if (stated ?? seen) return stated ?? seen!;
  // A text with more good characters than bad bytes is UTF-8 with some bad rows, which come out as such.
  return census && census.invalid > census.multibyte ? 'latin1' : 'utf-8';
}

function headLines({ head, whole }: Scan, encoding: TextEncoding): string[] {
  const decoder = createDecoder(encoding);
  const lines = (decoder.decode(head) + (whole ? decoder.end() : '')).split(/\r\n|\n|\r/);
  return whole || lines.length === 1 ? lines : lines.slice(0, -1);
}

/** @throws TitrateError where what the source states, or its name, is contradicted by the bytes. */
function refuseContradictions(source: SourceSpec, format: SourceFormat | null, { head, cut }: Scan): void {
  const where = source.uri;
  const stated = source.format !== undefined;
  const code = stated ? 'config-invalid' : 'source-unreadable';
  const said = stated ? `format '${source.format}' is stated` : `the file name says '${format}'`;
  const remedy = stated ? 'State the right format, or leave it out' : 'Rename the file, or state its format';
  if (isParquet(head) && format !== null && format !== 'parquet') {
    throw new TitrateError(code, { what: `${said}, but the file is Parquet`, where, remedy });
  }
  if (head.length === 0) {
    throw new TitrateError('source-unreadable', {
      what: cut ?? 'the file is empty',
      where,
      remedy: 'Give a file with molecules',
    });
  }
  const binary = isParquet(head) || encodingOfHead(head) ? null : knownBinary(head);
  if (binary) throw new TitrateError('source-unreadable', { ...binary, where });
  if (format === 'parquet' && !isParquet(head)) {
    const what = `${said}, but the file does not begin as Parquet does (PAR1)`;
    throw new TitrateError(code, { what, where, remedy });
  }
}

function refuseOtherText(lines: readonly string[], format: SourceFormat | null, where: string): void {
  const first = lines.find((line) => line.trim() !== '')?.trim() ?? '';
  if (/^<(!doctype html|html|\?xml)/i.test(first)) {
    throw new TitrateError('source-unreadable', {
      what: `the file is ${/xml/i.test(first) ? 'XML' : 'a web page (HTML)'}, not a table`,
      where,
      remedy: 'Fetch the file itself; a page like this often asks to log in',
    });
  }
  if ((format === 'ndjson' || format === null) && /^\[\s*([{\]]|$)/.test(first)) {
    throw new TitrateError('source-unreadable', {
      what: 'the file is one JSON array',
      where,
      remedy: "Write one object a line (NDJSON), for instance with jq -c '.[]'",
    });
  }
}

/** @throws TitrateError config-invalid for options that the format does not have. */
function refuseOptions(source: SourceSpec, format: SourceFormat): void {
  const refuse = (what: string, remedy = 'Leave it out') =>
    new TitrateError('config-invalid', { what, where: source.uri, remedy });
  if (source.delimiter !== undefined && /["\r\n]/.test(source.delimiter))
    throw refuse('delimiter is a quote or a line end', 'Set it to the character between the cells');
  if (source.delimiter !== undefined && !['csv', 'tsv', 'smi'].includes(format))
    throw refuse(`delimiter is set, and ${format} has none`);
  if (source.format === 'tsv' && source.delimiter !== undefined && source.delimiter !== '\t')
    throw refuse(`delimiter '${source.delimiter}' is set, and format 'tsv' has tabs`);
  if (source.encoding !== undefined && format === 'parquet')
    throw refuse(`encoding is set, and Parquet has none`);
}

/**
 * Finds out how a source's bytes are to be read, in one pass over them: gzip by its magic number; the format as stated, else by the
 * file name, else by the content; the encoding as stated, else by a byte order mark, by the zero bytes of UTF-16, or UTF-8 where
 * that is what the bytes are for the most part, else Windows-1252; the delimiter of a table as stated, else by its header and first rows.
 * `smi` with a delimiter is a list with a header, whose columns the source names.
 * @throws TitrateError source-unreadable for what is empty or certainly not readable, config-invalid for what is stated and contradicted,
 * format-unknown.
 */
export async function detectReading(raw: OpenBytes, source: SourceSpec): Promise<SourceReading> {
  checkColumns(source);
  const named = source.format ?? formatOfName(source.uri);
  const known = (head: Buffer) =>
    source.encoding !== undefined ||
    encodingOfHead(head) !== null ||
    isParquet(head) ||
    knownBinary(head) !== null;
  const found = await scan(raw, known);
  refuseContradictions(source, named, found);
  const { compression } = found;
  if (isParquet(found.head)) {
    refuseOptions(source, 'parquet');
    return { format: 'parquet', compression, encoding: null, delimiter: null };
  }
  const encoding = chooseEncoding(source, found);
  const lines = headLines(found, encoding);
  refuseOtherText(lines, named, source.uri);
  const format = named ?? formatOfContent(lines, source);
  if (format === null) {
    throw new TitrateError('format-unknown', {
      what: 'neither the file name nor the first lines tell the format',
      where: source.uri,
      remedy:
        "Set format: 'csv', 'tsv', 'smi', 'sdf', 'ndjson' or 'parquet'; a table needs a header that names its columns, a SMILES list has the SMILES first",
    });
  }
  refuseOptions(source, format);
  return { format, compression, encoding, delimiter: chooseDelimiter(source, format, lines) };
}

function chooseDelimiter(source: SourceSpec, format: SourceFormat, lines: readonly string[]): string | null {
  if (source.delimiter !== undefined) return source.delimiter;
  if (format === 'tsv' && (source.format === 'tsv' || lines.some((line) => line.includes('\t')))) return '\t';
  if (format === 'csv' || format === 'tsv') return detectDelimiter(lines, source);
  return format === 'smi' && namesColumns(source) ? detectListDelimiter(lines, source) : null;
}
