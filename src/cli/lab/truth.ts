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

/** Files with the known values of one property. */
export interface PropertyTruth {
  readonly property: string;
  readonly files: readonly TruthFile[];
}

/**
 * Which files know which property: `FILE` knows each in the column of its name, `FILE:COLUMN` the first one, `FILE:PROPERTY=COLUMN` that one.
 * @param properties of the campaign, the first one first
 * @throws TitrateError source-missing.
 */
export function truthFilesOf(
  texts: readonly string[],
  properties: readonly string[],
  workingDirectory: string,
): PropertyTruth[] {
  const files = new Map(properties.map((property) => [property, [] as TruthFile[]]));
  for (const text of texts) {
    const { file, valueColumn } = parseTruthOption(text, '', workingDirectory);
    const at = valueColumn.indexOf('=');
    const named = at > 0 ? files.get(valueColumn.slice(0, at)) : undefined;
    if (valueColumn === '') for (const [property, own] of files) own.push({ file, valueColumn: property });
    else if (named) named.push({ file, valueColumn: valueColumn.slice(at + 1) });
    else files.get(properties[0]!)!.push({ file, valueColumn });
  }
  return [...files].map(([property, own]) => ({ property, files: own }));
}

/**
 * Reads the known values of every property.
 * @throws as readTruth; usage for a property that no file knows.
 */
export async function readTruths(
  properties: readonly PropertyTruth[],
  how: Parameters<typeof readTruth>[1],
): Promise<(Truth & { readonly property: string })[]> {
  const missing = properties.find(({ files }) => files.length === 0);
  if (missing) {
    throw new TitrateError('usage', {
      what: `no file knows '${missing.property}'`,
      where: '--truth',
      remedy: `Write --truth FILE:${missing.property}=COLUMN as well`,
    });
  }
  const truths: (Truth & { readonly property: string })[] = [];
  for (const { property, files } of properties) truths.push({ property, ...(await readTruth(files, how)) });
  return truths;
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
