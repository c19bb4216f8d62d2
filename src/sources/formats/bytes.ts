import type { SourceReading } from '../../contracts';
import type { OpenBytes } from '../sources';
import { inflate } from './inflate';

/** The pieces of a stream as bytes; the stream is destroyed when the reading stops, early or not. */
export async function* piecesOf(open: OpenBytes): AsyncGenerator<Uint8Array> {
  for await (const piece of (await open()) as AsyncIterable<Uint8Array | string>) {
    yield typeof piece === 'string' ? Buffer.from(piece) : piece;
  }
}

/**
 * A source's bytes after decompression, in flat memory.
 * @param onBytes told the position in the raw bytes reached so far
 * @throws SourceCut where compressed data end early or are damaged, after all bytes that could be had.
 */
export async function* plainBytes(
  open: OpenBytes,
  compression: SourceReading['compression'],
  onBytes?: (position: number) => void,
): AsyncGenerator<Uint8Array> {
  async function* counted() {
    let position = 0;
    for await (const piece of piecesOf(open)) {
      onBytes?.((position += piece.length));
      yield piece;
    }
  }
  yield* compression === 'gzip' ? inflate(counted(), () => piecesOf(open)) : counted();
}
