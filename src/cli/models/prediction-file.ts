import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { TitrateError } from '../../contracts';
import { csvLine } from '../table';
import type { PredictedRow } from './predicted-rows';

export const PREDICTION_COLUMNS = [
  'line',
  'compoundId',
  'smiles',
  'value',
  'standardDeviation',
  'aleatoric',
  'epistemic',
  'lower90',
  'upper90',
  'similarity',
  'applicable',
  'error',
] as const;

type Format = 'csv' | 'ndjson';

function csvOf(row: PredictedRow): string {
  const { line, compoundId, smiles } = row;
  if ('error' in row) {
    const empty = PREDICTION_COLUMNS.slice(3, -1).map(() => null);
    return csvLine([line, compoundId, smiles, ...empty, row.error]);
  }
  const { value, standardDeviation, aleatoric, epistemic, interval90, nearest, applicable } = row;
  const figures = [value, standardDeviation, aleatoric, epistemic, ...interval90];
  // Servers of the version before say nothing of applicability.
  const inside = applicable == null ? null : String(applicable);
  return csvLine([line, compoundId, smiles, ...figures, nearest?.similarity, inside, null]);
}

function formatOf(file: string): Format {
  const extension = path.extname(file).toLowerCase();
  if (extension === '.csv') return 'csv';
  if (extension === '.ndjson' || extension === '.jsonl') return 'ndjson';
  throw new TitrateError('usage', {
    what: `'${file}' says no known format`,
    where: '--output',
    remedy: 'Name the file .csv or .ndjson',
  });
}

/** A file of predictions that is written part by part, and is there only when it is whole. */
export interface PredictionFile {
  write(rows: readonly PredictedRow[]): Promise<void>;
  /** Puts the file in its place. */
  finish(): Promise<void>;
  /** Leaves no trace. After `finish` it does nothing. */
  abandon(): Promise<void>;
}

/** @throws usage for another ending than .csv, .ndjson or .jsonl. */
export async function openPredictionFile(file: string): Promise<PredictionFile> {
  const format = formatOf(file);
  const temporary = path.join(path.dirname(file), `.tmp-${process.pid}-${randomUUID()}`);
  const handle = await open(temporary, 'wx').catch((cause: NodeJS.ErrnoException) => {
    throw new TitrateError(
      'source-missing',
      {
        what: `no file can be written there (${cause.code ?? cause.message})`,
        where: path.dirname(path.resolve(file)),
        remedy: 'Make the directory, or name another one',
      },
      { cause },
    );
  });
  let isOpen = true;
  if (format === 'csv') await handle.write(csvLine(PREDICTION_COLUMNS));
  return {
    async write(rows) {
      const lines = rows.map((row) => (format === 'csv' ? csvOf(row) : `${JSON.stringify(row)}\n`));
      await handle.write(lines.join(''));
    },
    async finish() {
      await handle.sync();
      await handle.close();
      isOpen = false;
      await rename(temporary, file);
    },
    async abandon() {
      if (!isOpen) return;
      isOpen = false;
      await handle.close();
      await rm(temporary, { force: true });
    },
  };
}
