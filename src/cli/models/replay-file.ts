import type { ReplayTable } from '../../acquisition';
import type { Chemistry } from '../../chemistry';
import { TitrateError, type MoleculeCaps, type Standardisation } from '../../contracts';
import { featurizersFor } from '../../learning';
import { standardiseFile } from '../lab/local-file';
import { REPLAY_TASK, type SurrogateFamily } from './replay-surrogate';
import { featuriseRows, type TrainingProgress } from './train-model';

export interface ReplayFileRequest {
  readonly file: string;
  readonly smilesColumn?: string;
  readonly targetColumn: string;
  /** Whether a row without a value stays in the pool; otherwise it is left out of it. */
  readonly unlabelledCostsBudget: boolean;
  readonly family: SurrogateFamily;
  readonly chemistry: Chemistry;
  readonly caps: MoleculeCaps;
  readonly standardisation: Standardisation;
  readonly signal?: AbortSignal;
  readonly onProgress?: TrainingProgress;
}

/** A table, and which row of the file each of its candidates is. */
export interface ReplayFile {
  readonly table: ReplayTable;
  /** Row of the file, from 0, by candidate. */
  readonly rowNumbers: readonly number[];
  readonly problems: readonly { readonly line: number; readonly message: string }[];
  /** Rows without a value. */
  readonly withoutValue: number;
}

interface FileRow {
  readonly line: number;
  readonly smiles?: string;
  readonly value?: number;
}

/**
 * Reads a file as `titrate data ingest` does, one candidate a row: rows of the same molecule are candidates of their own, as other
 * programs take them. Rows that cannot be read are no candidates, and are told.
 * @throws source-missing, column-missing, format-unknown; labels-insufficient; cancelled
 */
export async function readReplayFile(request: ReplayFileRequest): Promise<ReplayFile> {
  const { file, smilesColumn, targetColumn, unlabelledCostsBudget, family, signal, onProgress } = request;
  const all: FileRow[] = [];
  const problems: { line: number; message: string }[] = [];
  const source = { smilesColumn, valueColumn: targetColumn };
  for await (const { rows, quarantine } of standardiseFile(file, source, request)) {
    if (signal?.aborted) throw new TitrateError('cancelled', { what: 'stopped while reading', where: file });
    all.push(...rows, ...quarantine.map(({ line }) => ({ line })));
    problems.push(...quarantine.map(({ line, message }) => ({ line, message })));
  }
  all.sort((a, b) => a.line - b.line);
  const candidates = all.flatMap(({ smiles, value }, row) =>
    smiles === undefined || (value === undefined && !unlabelledCostsBudget)
      ? []
      : [{ row, smiles, value: value ?? null }],
  );
  const known = candidates.flatMap(({ value }) => (value === null ? [] : [value]));
  if (new Set(known).size < 2) {
    throw new TitrateError('labels-insufficient', {
      what: `the values in '${targetColumn}' of its ${all.length} rows do not differ: there is nothing to look for`,
      where: file,
      remedy: problems[0] ? `The first problem: line ${problems[0].line}: ${problems[0].message}` : undefined,
    });
  }
  const kind = known.every((value) => value === 0 || value === 1) ? 'screen' : 'property';
  const featurizer = featurizersFor({ families: family, task: REPLAY_TASK, labels: known.length })[0]!;
  const rows = candidates.map(({ row, smiles }) => ({
    ...{ moleculeId: String(row), smiles, value: 0, qualifier: '=' as const, replicates: 1, spread: 0 },
  }));
  const parts = { chemistry: request.chemistry, signal, onProgress };
  const { rows: kept, matrices, left } = await featuriseRows(parts, rows, [featurizer]);
  const byRow = new Map(candidates.map((candidate) => [String(candidate.row), candidate]));
  const lines = new Map(all.map(({ line, smiles }) => [smiles, line]));
  problems.push(...left.map(({ smiles, message }) => ({ line: lines.get(smiles)!, message })));
  const chosen = kept.map(({ moleculeId }) => byRow.get(moleculeId)!);
  return {
    table: { features: matrices[0]!, values: chosen.map(({ value }) => value), kind },
    rowNumbers: chosen.map(({ row }) => row),
    problems: problems.sort((a, b) => a.line - b.line),
    withoutValue: all.filter(({ smiles, value }) => smiles !== undefined && value === undefined).length,
  };
}
