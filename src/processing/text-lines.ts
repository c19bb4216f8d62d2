import type { Readable } from 'node:stream';
import { TitrateError } from '../contracts';
import { refuseBinary } from './source-format';

/** Bytes of a source: all of them, a stream, or a function that opens one. */
export type RawBytes = Uint8Array | Readable | (() => Readable | Promise<Readable>);

export interface TextLine {
  /** 1-based. */
  readonly number: number;
  readonly text: string;
  /** Longer than MAX_LINE_CHARACTERS: the text stops there. */
  readonly truncated: boolean;
}

/** Longest line kept, UTF-16 units; no molecule needs more, and a file without line ends must not fill the memory. */
export const MAX_LINE_CHARACTERS = 1 << 20;

const BINARY_HEAD_BYTES = 512;
/** A file given whole is decoded in pieces: one JavaScript string cannot hold more than half a gigabyte. */
const PIECE_BYTES = 1 << 20;

async function* chunks(raw: RawBytes): AsyncGenerator<Uint8Array> {
  if (raw instanceof Uint8Array) {
    for (let at = 0; at === 0 || at < raw.length; at += PIECE_BYTES) yield raw.subarray(at, at + PIECE_BYTES);
    return;
  }
  const stream = typeof raw === 'function' ? await raw() : raw;
  for await (const piece of stream as AsyncIterable<Uint8Array | string>) {
    yield typeof piece === 'string' ? Buffer.from(piece) : piece;
  }
}

/**
 * Lines of UTF-8 text (a byte order mark is dropped) ended by LF, CRLF or CR, in flat memory.
 * @throws TitrateError source-unreadable for an empty file and for bytes that are not text.
 */
export async function* readLines(raw: RawBytes, where: string): AsyncGenerator<TextLine> {
  const decoder = new TextDecoder('utf-8');
  let head: Uint8Array | null = new Uint8Array(0);
  let rest = '';
  let truncated = false;
  let number = 0;

  function* split(text: string, last: boolean): Generator<TextLine> {
    const all = rest + text;
    const ends = /\r\n|\n|\r/g;
    let from = 0;
    for (let end = ends.exec(all); end; end = ends.exec(all)) {
      // A CR at the very end may be half of a CRLF.
      if (!last && end[0] === '\r' && ends.lastIndex === all.length) break;
      yield line(all.slice(from, end.index));
      from = ends.lastIndex;
    }
    rest = all.slice(from);
    if (rest.length > MAX_LINE_CHARACTERS + 1) {
      truncated = true;
      const tail = rest.endsWith('\r') ? '\r' : '';
      rest = rest.slice(0, MAX_LINE_CHARACTERS) + tail;
    }
    if (last && rest !== '') yield line(rest);
  }
  const line = (text: string): TextLine => {
    const long = truncated || text.length > MAX_LINE_CHARACTERS;
    truncated = false;
    return { number: ++number, text: long ? text.slice(0, MAX_LINE_CHARACTERS) : text, truncated: long };
  };

  for await (const chunk of chunks(raw)) {
    let bytes = chunk;
    if (head) {
      bytes = Buffer.concat([head, chunk]);
      if (bytes.length < BINARY_HEAD_BYTES) {
        head = bytes;
        continue;
      }
      refuseBinary(bytes.subarray(0, BINARY_HEAD_BYTES), where);
      head = null;
    }
    yield* split(decoder.decode(bytes, { stream: true }), false);
  }
  if (head) {
    if (head.length === 0) {
      throw new TitrateError('source-unreadable', {
        what: 'the file is empty',
        where,
        remedy: 'Give a file with molecules',
      });
    }
    refuseBinary(head, where);
    yield* split(decoder.decode(head, { stream: true }), false);
  }
  yield* split(decoder.decode(), true);
}
