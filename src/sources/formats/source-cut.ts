/** Raised by a reader of bytes where a source ends before it should: what came before is good, the rest is lost. */
export class SourceCut extends Error {
  override readonly name = 'SourceCut';
}
