/** Our runs of a scenario, by the code of `titrate benchmark retrospective`. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FitSurrogate } from '../../../src/acquisition';
import { createChemistry } from '../../../src/chemistry';
import { readReplayFile, type ReplayFile } from '../../../src/cli/models/replay-file';
import { replayFile } from '../../../src/cli/models/replay-plan';
import { moleculeCapsSchema, standardisationSchema, type Strategy } from '../../../src/contracts';
import { toCsv } from '../workspace';
import type { DataRow } from './scenarios';
import { fileOf, type Prepared } from './workspace';

/** A data set as a replay reads it: rows that cannot be read, or have no value and cost nothing, are left out. */
export interface LoadedDataSet {
  readonly file: ReplayFile;
  /** As they stand in the file, by candidate. */
  readonly smiles: readonly string[];
}

export async function load(
  folder: string,
  name: string,
  rows: readonly DataRow[],
  unlabelledCostsBudget: boolean,
): Promise<LoadedDataSet> {
  const file = path.join(folder, `${name}.csv`);
  const cells = rows.map(({ smiles, value }) => [smiles, value ?? '']);
  writeFileSync(file, toCsv(['smiles', 'target'], cells));
  const chemistry = createChemistry({ threads: 2 });
  try {
    const read = await readReplayFile({
      ...{ file, smilesColumn: 'smiles', targetColumn: 'target', unlabelledCostsBudget },
      ...{ family: 'gaussian-process', chemistry },
      caps: moleculeCapsSchema.parse({}),
      standardisation: standardisationSchema.parse({}),
    });
    return { file: read, smiles: read.rowNumbers.map((row) => rows[row]!.smiles) };
  } finally {
    await chemistry.close();
  }
}

export const ourName = (strategy: Strategy): string => `ours-${strategy}`;

/** Runs a strategy with a seed, unless its run is there. */
export async function runOurs(
  prepared: Prepared,
  strategy: Strategy,
  seed: number,
  fit: FitSurrogate,
): Promise<void> {
  const target = fileOf(prepared, seed, ourName(strategy));
  if (existsSync(target)) return;
  const { scenario, table, rows, initial, batch } = prepared;
  const { first, test } = rows.get(seed)!;
  const { direction, goal, rounds, top, mishaps } = scenario;
  const candidates = { table, rowNumbers: [...table.values.keys()] };
  const { runs } = await replayFile(
    candidates,
    {
      ...{ direction, goal, initial, batch, rounds, top, mishaps },
      ...{ strategies: [strategy], seeds: [seed], first: { [seed]: first } },
      ...(test.length > 0 && { heldOut: { [seed]: test } }),
    },
    fit,
    {},
  );
  writeFileSync(`${target}.new`, JSON.stringify(runs[0]));
  renameSync(`${target}.new`, target);
  const seconds = runs[0]!.cpuSecondsPerCycle.reduce((sum, each) => sum + each, 0);
  process.stderr.write(`${scenario.name}: ${strategy}, seed ${seed}: ${seconds.toFixed(1)} CPU s\n`);
}
