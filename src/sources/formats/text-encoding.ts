import type { TextEncoding } from '../../contracts';

/** Windows-1252 for the bytes 0x80 to 0x9f; the five it leaves free stay control characters, which no cell may hold. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

export interface TextPieceDecoder {
  decode(bytes: Uint8Array): string;
  /** What was left of an unfinished character: U+FFFD, or nothing. */
  end(): string;
}

/**
 * Decodes text piece by piece; a byte order mark is dropped, bytes that are not of the encoding become U+FFFD.
 * Source: WHATWG Encoding Standard; `latin1` is its windows-1252.
 */
export function createDecoder(encoding: TextEncoding): TextPieceDecoder {
  if (encoding !== 'latin1') {
    const decoder = new TextDecoder(encoding);
    return { decode: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
  }
  // By hand: Node's own windows-1252 is plain ISO 8859-1 in some releases.
  return {
    decode: (bytes) =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        .toString('latin1')
        .replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80]!),
    end: () => '',
  };
}

/** The encoding that a byte order mark says; 'utf-32' is one that is not read. */
export function byteOrderMark(head: Uint8Array): TextEncoding | 'utf-32' | null {
  const starts = (...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);
  if (starts(0xef, 0xbb, 0xbf)) return 'utf-8';
  if (starts(0xff, 0xfe, 0, 0) || starts(0, 0, 0xfe, 0xff)) return 'utf-32';
  if (starts(0xff, 0xfe)) return 'utf-16le';
  if (starts(0xfe, 0xff)) return 'utf-16be';
  return null;
}

/** Share of two-byte units of UTF-16 text whose upper byte is zero, at least: a table of molecules is ASCII for the most part. */
const MIN_UTF16_SHARE = 0.7;

/** UTF-16 without a byte order mark, by where its zero bytes stand; null for what does not look like it. */
export function utf16ByZeros(head: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  const units = Math.floor(head.length / 2);
  let little = 0;
  let big = 0;
  for (let i = 0; i < 2 * units; i += 2) {
    if (head[i] !== 0 && head[i + 1] === 0) little++;
    else if (head[i] === 0 && head[i + 1] !== 0) big++;
  }
  if (units > 0 && little >= MIN_UTF16_SHARE * units) return 'utf-16le';
  if (units > 0 && big >= MIN_UTF16_SHARE * units) return 'utf-16be';
  return null;
}

/**
 * Counts characters of more than one byte, and bytes that are none of UTF-8, over pieces cut anywhere.
 * Source: The Unicode Standard, table 3-7 (well-formed byte sequences).
 */
export class Utf8Census {
  /** Well-formed characters of two to four bytes. */
  multibyte = 0;
  /** Sequences that are not well-formed. */
  invalid = 0;
  private pending = 0;
  private low = 0x80;
  private high = 0xbf;

  /** In the middle of a character. */
  get inSequence(): boolean {
    return this.pending > 0;
  }

  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.pending > 0) {
        if (byte >= this.low && byte <= this.high) {
          this.low = 0x80;
          this.high = 0xbf;
          if (--this.pending === 0) this.multibyte++;
          continue;
        }
        this.invalid++;
        this.pending = 0;
      }
      if (byte >= 0x80) this.begin(byte);
    }
  }

  end(): void {
    if (this.pending > 0) this.invalid++;
    this.pending = 0;
  }

  private begin(byte: number): void {
    this.pending =
      byte >= 0xc2 && byte <= 0xdf
        ? 1
        : byte >= 0xe0 && byte <= 0xef
          ? 2
          : byte >= 0xf0 && byte <= 0xf4
            ? 3
            : 0;
    if (this.pending === 0) this.invalid++;
    this.low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
  }
}
