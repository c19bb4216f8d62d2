import { createReadStream } from 'node:fs';
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
  how: { chemistry: Chemistry; caps: MoleculeCaps; standardisation: Standardisation },
): AsyncGenerator<StandardisedBatch> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    throw new TitrateError('source-missing', {
      what: found ? 'this is not a file' : 'there is no such file',
      where: file,
    });
  }
  yield* standardiseRows({
    raw: () => createReadStream(file),
    localPath: () => Promise.resolve(file),
    sourceSha256: sha256(file),
    source: { ...source, uri: file },
    ...how,
  });
}
