import type { Readable } from 'node:stream';

/**
 * Lines of an NDJSON stream, ended by a newline and by nothing else (node:readline also splits at U+2028, which JSON strings may hold).
 * @throws TypeError when the bytes are not UTF-8.
 */
export async function* ndjsonLines(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const piece of stream as AsyncIterable<Buffer>) {
    const all = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = all.pop()!;
    yield* all;
  }
  if (rest + decoder.decode() !== '') yield rest;
}
