import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Chemistry } from '../../chemistry';
import { TitrateError, type MoleculeCaps, type Standardisation } from '../../contracts';
import { standardiseFile } from './local-file';

/** A file whose values are known, standing in for a laboratory. */
export interface TruthFile {
  readonly file: string;
  readonly valueColumn: string;
}

export interface Truth {
  /** By moleculeId, in the file's unit; the mean where a molecule stands there several times. */
  readonly values: ReadonlyMap<string, number>;
  readonly rows: number;
  readonly quarantined: number;
}

/**
 * Reads `FILE[:valueColumn]`; the column is the campaign's property when it is left out.
 * @throws TitrateError source-missing.
 */
export function parseTruthOption(text: string, property: string, workingDirectory: string): TruthFile {
  const whole = path.resolve(workingDirectory, text);
  if (existsSync(whole)) return { file: whole, valueColumn: property };
  const colon = text.lastIndexOf(':');
  const file = path.resolve(workingDirectory, colon > 0 ? text.slice(0, colon) : text);
  if (!existsSync(file)) {
    throw new TitrateError('source-missing', {
      what: 'there is no such file',
      where: file,
      remedy: 'Write --truth FILE or --truth FILE:valueColumn',
    });
  }
  return { file, valueColumn: text.slice(colon + 1) || property };
}

/**
 * Reads known values and standardises their molecules as a campaign does, so that they meet by moleculeId.
 * Rows with a bound ('<', '>') instead of a value are left out.
 * @throws TitrateError column-missing, format-unknown, source-unreadable; labels-insufficient when no value is in any file.
 */
export async function readTruth(
  files: readonly TruthFile[],
  how: { chemistry: Chemistry; caps: MoleculeCaps; standardisation: Standardisation },
): Promise<Truth> {
  const sums = new Map<string, { total: number; count: number }>();
  let rows = 0;
  let quarantined = 0;
  for (const { file, valueColumn } of files) {
    for await (const batch of standardiseFile(file, { valueColumn }, how)) {
      quarantined += batch.quarantine.length;
      for (const { moleculeId, value, qualifier } of batch.rows) {
        if (value === undefined || (qualifier ?? '=') !== '=') continue;
        rows++;
        const sum = sums.get(moleculeId) ?? { total: 0, count: 0 };
        sums.set(moleculeId, { total: sum.total + value, count: sum.count + 1 });
      }
    }
  }
  if (sums.size === 0) {
    const where = files.map(({ file, valueColumn }) => `${file}:${valueColumn}`).join(', ');
    throw new TitrateError('labels-insufficient', {
      what: 'no molecule with a value',
      where,
      remedy: 'Name the column with the values: --truth FILE:valueColumn',
    });
  }
  return {
    values: new Map([...sums].map(([id, { total, count }]) => [id, total / count])),
    rows,
    quarantined,
  };
}
