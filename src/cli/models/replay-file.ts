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
  /** Columns of further properties. */
  readonly further?: readonly string[];
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
  /** Rows without any value. */
  readonly withoutValue: number;
}

type Problem = ReplayFile['problems'][number];

interface FileRow {
  readonly line: number;
  readonly smiles?: string;
  readonly value?: number;
}

/** The rows of a file with the values of one column, by line. */
async function readColumn(
  request: ReplayFileRequest,
  valueColumn: string,
): Promise<{ rows: FileRow[]; problems: Problem[] }> {
  const { file, smilesColumn, signal } = request;
  const rows: FileRow[] = [];
  const problems: Problem[] = [];
  for await (const batch of standardiseFile(file, { smilesColumn, valueColumn }, request)) {
    if (signal?.aborted) throw new TitrateError('cancelled', { what: 'stopped while reading', where: file });
    rows.push(...batch.rows, ...batch.quarantine.map(({ line }) => ({ line })));
    problems.push(...batch.quarantine.map(({ line, message }) => ({ line, message })));
  }
  return { rows: rows.sort((a, b) => a.line - b.line), problems };
}

/**
 * Reads a file as `titrate data ingest` does, one candidate a row: rows of the same molecule are candidates of their own, as other
 * programs take them. Rows that cannot be read are no candidates, and are told.
 * @throws source-missing, column-missing, format-unknown; labels-insufficient; cancelled
 */
export async function readReplayFile(request: ReplayFileRequest): Promise<ReplayFile> {
  const { file, targetColumn, further = [], unlabelledCostsBudget, family, signal, onProgress } = request;
  const { rows: all, problems } = await readColumn(request, targetColumn);
  const others: ReadonlyMap<number, number>[] = [];
  for (const column of further) {
    const { rows, problems: own } = await readColumn(request, column);
    others.push(new Map(rows.flatMap(({ line, value }) => (value === undefined ? [] : [[line, value]]))));
    const told = new Set(problems.map(({ line }) => line));
    problems.push(...own.filter(({ line }) => !told.has(line)));
  }
  const isMeasured = ({ line, value }: FileRow) =>
    value !== undefined || others.some((values) => values.has(line));
  const candidates = all.flatMap((each, row) => {
    const { line, smiles, value = null } = each;
    if (smiles === undefined || !(isMeasured(each) || unlabelledCostsBudget)) return [];
    return [{ row, smiles, value, others: others.map((values) => values.get(line) ?? null) }];
  });
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
    table: {
      ...{ features: matrices[0]!, values: chosen.map(({ value }) => value), kind },
      ...(further.length > 0 && {
        others: further.map((property, i) => ({ property, values: chosen.map((row) => row.others[i]!) })),
      }),
    },
    rowNumbers: chosen.map(({ row }) => row),
    problems: problems.sort((a, b) => a.line - b.line),
    withoutValue: all.filter((row) => row.smiles !== undefined && !isMeasured(row)).length,
  };
}
