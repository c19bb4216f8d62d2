/** Our runs of a scenario, by the code of `titrate benchmark retrospective`. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FitSurrogate, ReplayTable, SeveralProperties } from '../../../src/acquisition';
import { createChemistry, DESCRIPTOR_NAMES } from '../../../src/chemistry';
import { readReplayFile, type ReplayFile } from '../../../src/cli/models/replay-file';
import { replayFile } from '../../../src/cli/models/replay-plan';
import {
  featurizerSchema,
  moleculeCapsSchema,
  standardisationSchema,
  TitrateError,
  type Strategy,
} from '../../../src/contracts';
import { createRandom, deriveSeed, sha256 } from '../../../src/foundation';
import { toCsv } from '../workspace';
import type { DataRow, Scenario } from './scenarios';
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

/** Molecules described at a time. */
const CHUNK = 512;

/** The set with the values of the scenario's further properties: RDKit's descriptors, less those that are taken for missing. */
export async function withFurther(
  set: LoadedDataSet,
  { dataSet, several }: Scenario,
): Promise<LoadedDataSet> {
  if (!several) return set;
  const { smiles, file } = set;
  const columns = DESCRIPTOR_NAMES.length;
  const all = new Float32Array(smiles.length * columns);
  const chemistry = createChemistry({ threads: 2 });
  try {
    for (let at = 0; at < smiles.length; at += CHUNK) {
      const molecules = smiles
        .slice(at, at + CHUNK)
        .map((text) => ({ moleculeId: `mol_${sha256(text)}`, smiles: text }));
      const { data } = await chemistry.featurise(molecules, featurizerSchema.parse({ kind: 'descriptors' }));
      all.set(data, at * columns);
    }
  } finally {
    await chemistry.close();
  }
  const others: ReplayTable['others'] = several.others.map(({ property, descriptor, missing = 0 }) => {
    const column = (DESCRIPTOR_NAMES as readonly string[]).indexOf(descriptor);
    if (column < 0) throw new TitrateError('usage', { what: `RDKit has no descriptor '${descriptor}'` });
    const random = createRandom(deriveSeed(1, dataSet, property));
    return {
      property,
      values: smiles.map((_, row) => (random.next() < missing ? null : all[row * columns + column]!)),
    };
  });
  return { ...set, file: { ...file, table: { ...file.table, others } } };
}

export const ourName = (strategy: Strategy, goal: 'own' | 'alone' = 'own'): string =>
  goal === 'alone' ? `ours-first-${strategy}` : `ours-${strategy}`;

/** The protocol's part of a scenario with several properties. */
export const severalOf = ({ several }: Scenario): SeveralProperties | undefined =>
  several && {
    property: several.property,
    others: several.others.map(({ property, direction }) => ({ property, direction })),
  };

/** Runs a strategy with a seed, unless its run is there. */
export async function runOurs(
  prepared: Prepared,
  strategy: Strategy,
  seed: number,
  fit: FitSurrogate,
  goal: 'own' | 'alone' = 'own',
): Promise<void> {
  const target = fileOf(prepared, seed, ourName(strategy, goal));
  if (existsSync(target)) return;
  const { scenario, table, rows, initial, batch } = prepared;
  const { first, test } = rows.get(seed)!;
  const { direction, rounds, top, mishaps } = scenario;
  const several = severalOf(scenario);
  const candidates = { table, rowNumbers: [...table.values.keys()] };
  const { runs } = await replayFile(
    candidates,
    {
      ...{ direction, initial, batch, rounds, top, mishaps },
      goal: goal === 'alone' ? 'best' : scenario.goal,
      ...(several && { several }),
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
