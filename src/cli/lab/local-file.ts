import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Chemistry } from '../../chemistry';
import { TitrateError, type MoleculeCaps, type SourceSpec, type Standardisation } from '../../contracts';
import { sha256 } from '../../foundation';
import { standardiseRows, type StandardisedBatch } from '../../processing';

/**
 * Standardised rows of a file on this disk, of any format that sources may have; nothing is stored.
 * @throws TitrateError source-missing; column-missing, format-unknown, source-unreadable.
 */
export async function* standardiseFile(
  file: string,
  source: Omit<SourceSpec, 'uri'>,
  how: {
    chemistry: Chemistry;
    caps: MoleculeCaps;
    standardisation: Standardisation;
    /** Bytes of the file read so far; never called for Parquet, which is not read front to back. */
    onBytes?: (bytes: number) => void;
  },
): AsyncGenerator<StandardisedBatch> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    throw new TitrateError('source-missing', {
      what: found ? 'this is not a file' : 'there is no such file',
      where: file,
    });
  }
  const { onBytes, ...rules } = how;
  let stream: ReadStream | undefined;
  yield* standardiseRows({
    raw: () => (stream = createReadStream(file)),
    onProgress: () => onBytes?.(stream?.bytesRead ?? 0),
    localPath: () => Promise.resolve(file),
    sourceSha256: sha256(file),
    source: { ...source, uri: file },
    ...rules,
  });
}
