import {
  replay,
  sizeOf,
  type FitSurrogate,
  type ReplayProtocol,
  type ReplayRun,
  type ReplayTable,
} from '../../acquisition';
import type { Chemistry } from '../../chemistry';
import {
  campaignConfigSchema,
  TitrateError,
  type CampaignConfig,
  type LearningTask,
  type MoleculeCaps,
  type Standardisation,
  type Strategy,
} from '../../contracts';
import { candidatesFor, featurizersFor, type Learning } from '../../learning';
import { standardiseFile } from '../lab/local-file';
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

export type SurrogateFamily =
  'gaussian-process' | 'mlp-ensemble' | 'random-forest' | 'message-passing-ensemble';

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
  const featurizer = featurizersFor({ families: family, task: taskOf(kind), labels: known.length })[0]!;
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

const taskOf = (kind: ReplayTable['kind']): LearningTask =>
  kind === 'screen' ? 'classification' : 'regression';

/** The family's default settings for as many labels as there are, uncalibrated: a replay has no held-out evaluation of each cycle. */
export function surrogateOf(learning: Learning, family: SurrogateFamily): FitSurrogate {
  return async (labelled, seed, signal) => {
    const task = labelled.task ?? 'regression';
    const request = { families: family, task, labels: labelled.features.rows };
    const { settings } = candidatesFor(request, [labelled.features.spec])[0]!;
    return { model: await learning.fit({ settings, labelled, seed, signal }), calibrationScale: 1 };
  };
}

export interface ReplayPlan {
  readonly direction: ReplayProtocol['direction'];
  /** Shares of the pool below 1, or numbers of molecules. */
  readonly initial: number;
  readonly batch: number;
  readonly rounds: number;
  readonly top: number;
  /** `default`: expected improvement for a property, the most probable actives of a screen. */
  readonly strategies: readonly (Strategy | 'default')[];
  readonly kappa?: number;
  readonly randomShare?: number;
  readonly seeds: readonly number[];
  /** Rows of the file to begin with, by seed. */
  readonly first?: Readonly<Record<string, readonly number[]>>;
}

export interface Retrospective {
  readonly dataset: string;
  readonly poolSize: number;
  readonly protocol: Omit<ReplayProtocol, 'acquisition'> & {
    readonly kind: ReplayTable['kind'];
    readonly family: SurrogateFamily;
    readonly features: string;
    readonly unlabelledCostsBudget: boolean;
  };
  readonly runs: readonly ReplayRun[];
}

/** Every strategy with every seed, one after the other. @throws as `replay`; usage for a seed without first molecules */
export async function replayFile(
  { table, rowNumbers }: ReplayFile,
  plan: ReplayPlan,
  fit: FitSurrogate,
  parts: { readonly signal?: AbortSignal; readonly onProgress?: TrainingProgress },
): Promise<{ protocol: Omit<ReplayProtocol, 'acquisition'>; runs: ReplayRun[] }> {
  const poolSize = table.features.rows;
  const { direction, rounds, top, seeds } = plan;
  const protocol = {
    ...{ direction, rounds, top },
    initial: sizeOf(plan.initial, poolSize, '--init'),
    batch: sizeOf(plan.batch, poolSize, '--batch'),
  };
  const candidateOf = new Map(rowNumbers.map((row, candidate) => [row, candidate]));
  const firstOf = (seed: number) => plan.first && candidatesOf(plan.first, seed, candidateOf);
  const cycles = plan.strategies.length * seeds.length * rounds;
  const runs: ReplayRun[] = [];
  for (const strategy of plan.strategies) {
    for (const seed of seeds) {
      const acquisition = acquisitionOf(plan, strategy, table.kind);
      const before = runs.length * rounds;
      runs.push(
        await replay(table, { ...protocol, acquisition }, fit, {
          seed,
          initial: firstOf(seed),
          signal: parts.signal,
          onCycle: (done) => parts.onProgress?.('replaying', before + done, cycles),
        }),
      );
    }
  }
  return { protocol, runs };
}

function candidatesOf(
  first: Readonly<Record<string, readonly number[]>>,
  seed: number,
  candidateOf: ReadonlyMap<number, number>,
): number[] {
  const rows = first[String(seed)];
  const wrong = rows?.find((row) => !candidateOf.has(row));
  if (rows && wrong === undefined) return rows.map((row) => candidateOf.get(row)!);
  throw new TitrateError('usage', {
    what: rows ? `row ${wrong} of the file is no candidate` : `no first molecules for seed ${seed}`,
    where: '--initial',
    remedy: rows
      ? 'Give row numbers from 0, of rows that can be read; rows without a value count with --unlabelled-costs-budget'
      : `Give a JSON object { "${seed}": [row numbers] }`,
  });
}

function acquisitionOf(
  { kappa, randomShare }: ReplayPlan,
  wanted: Strategy | 'default',
  kind: ReplayTable['kind'],
): CampaignConfig['acquisition'] {
  const strategy = wanted !== 'default' ? wanted : kind === 'screen' ? 'greedy' : 'ei';
  return campaignConfigSchema.shape.acquisition.parse({
    strategy,
    ...(kappa !== undefined && { kappa }),
    ...(randomShare !== undefined && { randomShare }),
  });
}
