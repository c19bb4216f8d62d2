/**
 * The folder of the bench: a folder a scenario, with what every method sees and beside it what each did. A run that is there is not
 * run again.
 *
 *     esol-learn/table.csv            smiles,target and further properties: candidates from row 0; empty where there is no value
 *     esol-learn/protocol.json        sizes in molecules
 *     esol-learn/seed-3.rows.json     { first: [row, …], test: [row, …] }
 *     esol-learn/seed-3.nipv.json     a run of a peer: rows by batch, seconds, errors
 *     esol-learn/seed-3.ours-auto.json  a run of ours
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  firstRows,
  Found,
  FoundFront,
  heldOutRows,
  sizeOf,
  type ReplayTable,
} from '../../../src/acquisition';
import { deriveSeed } from '../../../src/foundation';
import { toCsv } from '../workspace';
import type { Scenario } from './scenarios';

export interface SeedRows {
  readonly first: readonly number[];
  readonly test: readonly number[];
}

export interface Prepared {
  readonly scenario: Scenario;
  readonly folder: string;
  readonly table: ReplayTable;
  readonly poolSize: number;
  readonly initial: number;
  readonly batch: number;
  readonly rows: ReadonlyMap<number, SeedRows>;
}

/** One run of one method, whatever it was made by; arrays begin with the start. */
export interface MethodRun {
  readonly seed: number;
  readonly recall: readonly number[];
  readonly hits: readonly number[];
  readonly hypervolume?: readonly number[];
  readonly frontSize?: readonly number[];
  readonly rmse?: readonly (number | null)[];
  readonly coverage90?: readonly (number | null)[];
  readonly measured: readonly number[];
  readonly cpuSecondsPerCycle: readonly number[];
  readonly decided?: readonly string[];
}

interface PeerRun {
  readonly picked: readonly (readonly number[])[];
  readonly rmse?: readonly number[];
  readonly cpuSecondsPerCycle: readonly number[];
}

/** @throws Error if the folder holds another table, protocol or draw: its runs would answer another question */
export function prepare(
  root: string,
  scenario: Scenario,
  table: ReplayTable,
  smiles: readonly string[],
  seeds: readonly number[],
  first?: ReadonlyMap<number, readonly number[]>,
): Prepared {
  const { rows: count } = table.features;
  const test = scenario.test === undefined ? 0 : sizeOf(scenario.test, count, 'test');
  const poolSize = count - test;
  const [initial, batch] = [scenario.initial, scenario.batch].map((size) =>
    sizeOf(size, poolSize, scenario.name),
  );
  const folder = path.join(root, scenario.name);
  mkdirSync(folder, { recursive: true });
  const { direction, rounds, figure, several } = scenario;
  const others = table.others ?? [];
  const protocol = {
    ...{ direction, figure, kind: table.kind, initial, batch, rounds, test },
    ...(several && { others: several.others }),
  };
  const cells = smiles.map((text, row) => [
    ...[text, table.values[row] ?? ''],
    ...others.map(({ values }) => values[row] ?? ''),
  ]);
  const heading = ['smiles', 'target', ...others.map(({ property }) => property)];
  writeOnce(path.join(folder, 'table.csv'), toCsv(heading, cells));
  writeOnce(path.join(folder, 'protocol.json'), JSON.stringify(protocol));
  const rows = new Map(
    seeds.map((seed) => {
      const own = deriveSeed(seed, scenario.dataSet);
      const held = heldOutRows(table, test, own, first?.get(seed));
      const hidden = new Set(held);
      const candidates = [...table.values.keys()].filter((row) => !hidden.has(row));
      const drawn = { first: firstRows(candidates, initial!, own, first?.get(seed)), test: held };
      writeOnce(path.join(folder, `seed-${seed}.rows.json`), JSON.stringify(drawn));
      return [seed, drawn];
    }),
  );
  return { scenario, folder, table, poolSize, initial: initial!, batch: batch!, rows };
}

function writeOnce(file: string, content: string): void {
  if (!existsSync(file)) writeFileSync(file, content);
  else if (readFileSync(file, 'utf8') !== content) {
    throw new Error(`${file} is of other data, molecules or sizes; name another --cache folder`);
  }
}

export const fileOf = ({ folder }: Pick<Prepared, 'folder'>, seed: number, method: string): string =>
  path.join(folder, `seed-${seed}.${method}.json`);

/** Runs of a method, of the seeds that there are. */
export function readRuns(prepared: Prepared, method: string, isOurs: boolean): MethodRun[] {
  return [...prepared.rows.keys()].flatMap((seed) => {
    const file = fileOf(prepared, seed, method);
    if (!existsSync(file)) return [];
    const told = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    return [isOurs ? (told as MethodRun) : peerRun(prepared, seed, told as PeerRun)];
  });
}

/** What a peer's picks found, counted as ours are. */
function peerRun({ table, scenario, rows }: Prepared, seed: number, { picked, ...told }: PeerRun): MethodRun {
  const hidden = new Set(rows.get(seed)!.test);
  const pool = [...table.values.keys()].filter((row) => !hidden.has(row));
  const values = pool.map((row) => table.values[row]!);
  const found = new Found(values, scenario.top, scenario.direction);
  const { several } = scenario;
  const front = several && new FoundFront(table, { direction: scenario.direction, several }, pool);
  const upTo = picked.map((_, batch) =>
    picked.slice(0, batch + 1).flatMap((own) => own.map((row) => table.values[row]!)),
  );
  const counts = upTo.map((values) => found.count(values));
  return {
    seed,
    recall: counts.map((count) => count / found.top),
    hits:
      table.kind === 'screen' ? upTo.map((values) => values.filter((value) => value === 1).length) : counts,
    measured: upTo.map((values) => values.length),
    ...(front && frontsOf(front, picked)),
    ...told,
  };
}

function frontsOf(front: FoundFront, picked: readonly (readonly number[])[]) {
  const curve = picked.map((_, batch) => front.of(picked.slice(0, batch + 1).flat()));
  return {
    hypervolume: curve.map((point) => point.hypervolume),
    frontSize: curve.map((point) => point.frontSize),
  };
}
