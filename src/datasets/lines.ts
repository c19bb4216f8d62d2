import type { Readable } from 'node:stream';

export const NEWLINE = 10;

/** Lines of a stream with their newline, in flat memory: a line holds at most some thousand characters. */
export async function* linesOf(stream: Readable): AsyncGenerator<Buffer[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length ? Buffer.concat([rest, chunk]) : chunk;
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      lines.push(bytes.subarray(start, end + 1));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (lines.length) yield lines;
  }
  if (rest.length) yield [Buffer.concat([rest, Buffer.from('\n')])];
}
