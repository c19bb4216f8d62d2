/**
 * Real molecules with everything the detectors look at, worked out once: standard SMILES, descriptors, ECFP4, scaffold, the measured
 * value and what a model of other molecules predicts. Kept in a folder as JSON, since a look must cost less than the chemistry behind it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { createChemistry, DESCRIPTOR_NAMES } from '../../../src/chemistry';
import { moleculeCapsSchema, standardisationSchema, type FeaturizerSpec } from '../../../src/contracts';
import { compiledEntry, createRandom } from '../../../src/foundation';
import { SIMILARITY_FEATURIZER } from '../../../src/learning';

export interface BenchMolecule {
  readonly smiles: string;
  readonly scaffold: string | null;
  readonly descriptors: readonly number[];
  /** Positions of the set bits of ECFP4, 2,048 bits. */
  readonly bits: readonly number[];
  readonly observed: number | null;
  readonly predicted: number | null;
  readonly deviation: number | null;
  /** To the nearest molecule that the model was trained on. */
  readonly similarity: number | null;
}

/** A population: molecules that no model has seen, in random order. */
export interface Population {
  readonly name: string;
  readonly molecules: readonly BenchMolecule[];
}

interface Source {
  readonly name: string;
  readonly file: string;
  readonly smiles: string;
  /** Left out: no values, so no model and no predictions. */
  readonly value?: string;
  readonly rows: number;
}

export const SOURCES: readonly Source[] = [
  { name: 'lipophilicity', file: 'lipophilicity_4200.csv', smiles: 'smiles', value: 'exp', rows: 4200 },
  { name: 'docking', file: 'enamine10k_docking.csv.gz', smiles: 'smiles', value: 'score', rows: 7000 },
  { name: 'idorsia', file: 'idorsia_29k.smi.gz', smiles: '', rows: 2000 },
];

/** Labels a population's model learns from; they are in no stream. */
const TRAINED_ON = 1000;
const CHUNK = 500;
const SEED = 8;

interface Row {
  readonly smiles: string;
  readonly value: number | null;
}

function readRows(folder: string, { file, smiles, value, rows }: Source): Row[] {
  const bytes = readFileSync(path.join(folder, file));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const all = smiles
    ? (parse(text, { columns: true }) as Record<string, string>[]).map((row) => ({
        smiles: row[smiles]!,
        value: value && row[value] ? Number(row[value]) : null,
      }))
    : text.split('\n').flatMap((line) => (line ? [{ smiles: line.split(/\s/)[0]!, value: null }] : []));
  const usable = value ? all.filter((row) => row.value !== null && Number.isFinite(row.value)) : all;
  return createRandom(SEED).shuffle(usable).slice(0, rows);
}

function titrate(cwd: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [compiledEntry('src/cli/main'), ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, TITRATE_HOME: path.join(cwd, 'home') },
  });
  if (status !== 0) throw new Error(`titrate ${args[0]} failed:\n${stderr}`);
}

interface Predicted {
  readonly line: string;
  readonly value: string;
  readonly standardDeviation: string;
  readonly similarity: string;
}

/** Trains on the first rows and predicts the others, by the verbs themselves. */
function predictRest(cache: string, name: string, rows: readonly Row[]): Map<number, Predicted> {
  const csv = (part: readonly Row[]) =>
    ['smiles,y', ...part.map(({ smiles, value }) => `"${smiles}",${value}`)].join('\n');
  const [train, rest] = [`${name}-train.csv`, `${name}-rest.csv`];
  writeFileSync(path.join(cache, train), csv(rows.slice(0, TRAINED_ON)));
  writeFileSync(path.join(cache, rest), csv(rows.slice(TRAINED_ON)));
  const model = `${name}-model`;
  const learnt = ['--data', train, '--target-column', 'y', '--family', 'gaussian-process', '--seed', '8'];
  titrate(cache, 'train', ...learnt, '--output', model);
  titrate(cache, 'predict', rest, '--model', `./${model}`, '--output', `${name}-predicted.csv`);
  const predicted = parse(readFileSync(path.join(cache, `${name}-predicted.csv`)), {
    columns: true,
  }) as Predicted[];
  return new Map(predicted.filter(({ value }) => value).map((row) => [Number(row.line) - 2, row]));
}

const bitsOf = (bytes: Uint8Array) => {
  const bits: number[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit++) if ((bytes[bit >> 3]! >> (bit & 7)) & 1) bits.push(bit);
  return bits;
};

async function prepare(source: Source, data: string, cache: string): Promise<BenchMolecule[]> {
  const rows = readRows(data, source);
  const predicted = source.value ? predictRest(cache, source.name, rows) : null;
  const rest = predicted ? rows.slice(TRAINED_ON) : rows;
  const chemistry = createChemistry({ threads: 1 });
  const specs: FeaturizerSpec[] = [{ kind: 'descriptors' }, SIMILARITY_FEATURIZER];
  const molecules: BenchMolecule[] = [];
  try {
    for (let at = 0; at < rest.length; at += CHUNK) {
      const part = rest.slice(at, at + CHUNK);
      const prepared = await chemistry.prepare(
        part.map(({ smiles }) => ({ notation: 'smiles' as const, text: smiles })),
        moleculeCapsSchema.parse({}),
        standardisationSchema.parse({}),
        specs,
      );
      const good = prepared.flatMap((each, i) => (each.ok ? [{ ...each, row: at + i }] : []));
      const scaffolds = await chemistry.scaffolds(good.map(({ molecule }) => molecule.smiles));
      good.forEach(({ molecule, rows: [descriptors, fingerprint], row }, i) => {
        const figures = predicted?.get(row);
        const number = (key: Exclude<keyof Predicted, 'line'>) => (figures ? Number(figures[key]) : null);
        molecules.push({
          smiles: molecule.smiles,
          scaffold: scaffolds[i]!,
          descriptors: Array.from(descriptors as Float32Array),
          bits: bitsOf(fingerprint as Uint8Array),
          observed: rest[row]!.value,
          predicted: number('value'),
          deviation: number('standardDeviation'),
          similarity: number('similarity'),
        });
      });
    }
  } finally {
    await chemistry.close();
  }
  return molecules;
}

/** @param data folder of the files of SOURCES; @param cache where what is worked out is kept */
export async function populations(data: string, cache: string): Promise<Map<string, Population>> {
  mkdirSync(cache, { recursive: true });
  const all = new Map<string, Population>();
  for (const source of SOURCES) {
    const file = path.join(cache, `${source.name}.json`);
    if (!existsSync(file)) {
      process.stderr.write(`preparing ${source.name}\n`);
      const molecules = await prepare(source, data, cache);
      writeFileSync(file, JSON.stringify({ descriptors: DESCRIPTOR_NAMES, molecules }));
    }
    const { molecules } = JSON.parse(readFileSync(file, 'utf8')) as { molecules: BenchMolecule[] };
    all.set(source.name, { name: source.name, molecules });
  }
  return all;
}
