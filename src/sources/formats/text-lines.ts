import type { TextEncoding } from '../../contracts';
import { SourceCut } from './source-cut';
import { detached } from './source-record';
import { createDecoder } from './text-encoding';

export interface TextLine {
  /** 1-based. */
  readonly number: number;
  readonly text: string;
  /** Longer than MAX_LINE_CHARACTERS: the text stops there. */
  readonly truncated: boolean;
  /** The source was cut in this line, its last (maybe an empty one), for this reason. */
  readonly cut?: string;
}

/** Longest line kept, UTF-16 units; no molecule needs more, and a file without line ends must not fill the memory. */
export const MAX_LINE_CHARACTERS = 1 << 20;

/** Cuts text that comes in pieces into lines ended by LF, CRLF or CR, mixed at will. */
class LineSplitter {
  private number = 0;
  private rest = '';
  private overflow = false;
  /** A CR at the end of a piece may be half of a CRLF. */
  private heldReturn = false;

  push(piece: string): TextLine[] {
    let text = this.heldReturn ? `\r${piece}` : piece;
    this.heldReturn = text.endsWith('\r');
    if (this.heldReturn) text = text.slice(0, -1);
    return this.split(text);
  }

  end(piece: string): TextLine[] {
    const lines = this.split((this.heldReturn ? '\r' : '') + piece);
    if (this.rest !== '' || this.overflow) lines.push(this.line(''));
    return lines;
  }

  cut(piece: string, reason: string): TextLine[] {
    const lines = this.split((this.heldReturn ? '\r' : '') + piece);
    return [...lines, { ...this.line(''), cut: reason }];
  }

  private split(text: string): TextLine[] {
    const lines: TextLine[] = [];
    let from = 0;
    if (text.includes('\r')) {
      const ends = /\r\n|\n|\r/g;
      for (let end = ends.exec(text); end; end = ends.exec(text)) {
        lines.push(this.line(text.slice(from, end.index)));
        from = ends.lastIndex;
      }
    } else {
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        lines.push(this.line(text.slice(from, end)));
        from = end + 1;
      }
    }
    if (!this.overflow && from < text.length) {
      this.rest += text.slice(from);
      this.overflow = this.rest.length > MAX_LINE_CHARACTERS;
      if (this.overflow) this.rest = detached(this.rest.slice(0, MAX_LINE_CHARACTERS));
    }
    return lines;
  }

  private line(end: string): TextLine {
    let text = this.rest === '' ? end : this.overflow ? this.rest : this.rest + end;
    const truncated = this.overflow || text.length > MAX_LINE_CHARACTERS;
    if (truncated && text.length > MAX_LINE_CHARACTERS) text = text.slice(0, MAX_LINE_CHARACTERS);
    this.rest = '';
    this.overflow = false;
    return { number: ++this.number, text, truncated };
  }
}

/**
 * Lines of text, in flat memory, as many at once as a piece of bytes holds. A byte order mark is dropped; bytes that are not of
 * the encoding become U+FFFD. Where the bytes are cut the last line says so.
 * @throws whatever reading the bytes throws, but SourceCut.
 */
export async function* readLines(
  pieces: AsyncIterable<Uint8Array>,
  encoding: TextEncoding,
): AsyncGenerator<readonly TextLine[]> {
  const decoder = createDecoder(encoding);
  const splitter = new LineSplitter();
  let cut: SourceCut | null = null;
  try {
    for await (const piece of pieces) {
      const lines = splitter.push(decoder.decode(piece));
      if (lines.length > 0) yield lines;
    }
  } catch (error) {
    if (!(error instanceof SourceCut)) throw error;
    cut = error;
  }
  const last = cut ? splitter.cut(decoder.end(), cut.message) : splitter.end(decoder.end());
  if (last.length > 0) yield last;
}

/** Lines one by one, and back again. */
export class LineCursor {
  private batch: readonly TextLine[] = [];
  private at = 0;
  private readonly returned: TextLine[] = [];

  constructor(private readonly batches: AsyncIterator<readonly TextLine[]>) {}

  /** A line that is at hand already; undefined: `next` may have one. */
  take(): TextLine | undefined {
    return this.returned.length > 0 ? this.returned.pop() : this.batch[this.at++];
  }

  /** The next line; null after the last. */
  async next(): Promise<TextLine | null> {
    for (;;) {
      const line = this.take();
      if (line) return line;
      const { done, value } = await this.batches.next();
      if (done) return null;
      this.batch = value;
      this.at = 0;
    }
  }

  /** Gives lines back, to be taken again in their order. */
  unread(lines: readonly TextLine[]): void {
    for (let i = lines.length - 1; i >= 0; i--) this.returned.push(lines[i]!);
  }

  /** Whoever stops reading early lets go of the file. */
  async close(): Promise<void> {
    await this.batches.return?.();
  }
}
