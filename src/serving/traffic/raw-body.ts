import { Transform, type TransformCallback } from 'node:stream';

/**
 * Passes a request's body on and keeps its bytes as they came, up to a limit: beyond it the body is refused anyway.
 * `receivedEncodedLength` is what the web framework compares with content-length.
 */
export class KeptBody extends Transform {
  receivedEncodedLength = 0;
  private chunks: Buffer[] = [];

  constructor(private readonly limit: number) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.receivedEncodedLength += chunk.length;
    if (this.receivedEncodedLength <= this.limit) this.chunks.push(chunk);
    else this.chunks = [];
    done(null, chunk);
  }

  /** The whole body, once it has been read; null when it is over the limit. */
  get bytes(): Buffer | null {
    return this.receivedEncodedLength <= this.limit ? Buffer.concat(this.chunks) : null;
  }
}
