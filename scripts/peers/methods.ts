/** Runs the methods of the bench, each in a process of its own, and leaves their answers in the workspace. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { packageRoot } from '../../src/foundation';
import { answersExist, toCsv, writeAnswers, type PreparedDataSet } from './workspace';

export const PEERS = ['forest', 'gp', 'mlp', 'chemprop'] as const;

const scripts = path.join(packageRoot, 'scripts', 'peers');
const environment = path.join(packageRoot, '.titrate', 'peers');
const MOST_OUTPUT_BYTES = 1 << 28;

/** Path of the peers' Python: the option, TITRATE_PEERS_PYTHON, or the one that `--prepare` made. @throws Error if none is there. */
export function peerPython(option?: string): string {
  const named = option ?? process.env.TITRATE_PEERS_PYTHON ?? path.join(environment, 'bin', 'python');
  if (existsSync(named)) return named;
  throw new Error(`no Python of the peers at ${named}. Run: npm run bench:models -- --prepare`);
}

/** Makes the peers' Python environment: some gigabytes, since PyTorch's wheels bring libraries for GPUs. */
export function preparePeers(): void {
  const requirements = path.join(scripts, 'requirements.txt');
  check('python3 -m venv', spawnSync('python3', ['-m', 'venv', environment], { stdio: 'inherit' }));
  const pip = ['-m', 'pip', 'install', '--requirement', requirements];
  check('pip install', spawnSync(path.join(environment, 'bin', 'python'), pip, { stdio: 'inherit' }));
}

/** Runs a peer on the splits that it has not answered yet. @throws Error if it fails. */
export function runPeer(python: string, peer: string, { folder, splits }: PreparedDataSet): void {
  const all = [...splits.keys()].join(',');
  const command = ['-B', path.join(scripts, 'run.py'), peer, folder, all];
  const run = spawnSync(python, command, { stdio: 'inherit' });
  check(`${peer} on ${folder}`, run);
}

function check(what: string, { status, error, stderr }: SpawnSyncReturns<Buffer | string>): void {
  if (error) throw error;
  if (status !== 0) throw new Error(`${what} failed with exit status ${status}\n${stderr ?? ''}`);
}

export interface TrainOptions {
  readonly family: string;
  readonly seed: number;
  /** What the answers are filed under. */
  readonly name: string;
}

/**
 * Trains on a split's training rows by `titrate train`, and predicts its test rows by `titrate predict`, as a user would. CPU seconds
 * are those of both processes with everything they start, from the start of Node on.
 * @throws Error if either fails. A test row that is not answered takes the mean of the training rows, and is counted.
 */
export function runTitrate(prepared: PreparedDataSet, index: number, options: TrainOptions): void {
  if (answersExist(prepared, index, options.name)) return;
  const { table, splits, dataSet } = prepared;
  const split = splits[index]!;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-bench-'));
  try {
    const file = (name: string) => path.join(folder, name);
    const rowsOf = (rows: readonly number[]) => rows.map((row) => [table.smiles[row]!, table.targets[row]!]);
    writeFileSync(file('train.csv'), toCsv(['smiles', 'target'], rowsOf(split.train)));
    writeFileSync(file('test.csv'), toCsv(['smiles', 'target'], rowsOf(split.test)));
    writeFileSync(
      file('input.csv'),
      toCsv(
        ['smiles'],
        rowsOf(split.test).map(([smiles]) => [smiles!]),
      ),
    );
    const columns = ['--smiles-column', 'smiles', '--target-column', 'target'];
    const [data, test, model] = [file('train.csv'), file('test.csv'), file('model')];
    const training = [
      '--family',
      options.family,
      '--seed',
      String(options.seed),
      '--output',
      model,
      '--json',
    ];
    const trained = titrate(['train', '--data', data, ...columns, '--test', test, ...training]);
    const outputs = ['--smiles-column', 'smiles', '--output', file('predictions.csv')];
    const predicted = titrate(['predict', '--model', model, file('input.csv'), ...outputs]);
    const bySmiles = readPredictions(file('predictions.csv'));
    const average = split.train.reduce((sum, row) => sum + table.targets[row]!, 0) / split.train.length;
    const answers = split.test.map((row) => bySmiles.get(table.smiles[row]!));
    const intervals = answers.map((answer) => answer?.interval ?? ([average, average] as const));
    const hasIntervals = answers.some((answer) => answer?.interval);
    writeAnswers(prepared, index, options.name, {
      predictions: answers.map((answer) => answer?.value ?? average),
      ...(hasIntervals && { intervals }),
      cpuSeconds: trained.cpuSeconds + predicted.cpuSeconds,
      details: {
        notAnswered: answers.filter((answer) => !answer).length,
        trained: JSON.parse(trained.stdout) as unknown,
      },
    });
    process.stderr.write(
      `${dataSet.title}: ${options.name}, split ${index}: ${trained.cpuSeconds.toFixed(1)} CPU s\n`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the command line; the shell tells what its child and all below it used (POSIX `times`, the second line of two). */
function titrate(args: readonly string[]): { stdout: string; cpuSeconds: number } {
  const command = [process.execPath, path.join(packageRoot, 'scripts', 'titrate'), ...args];
  const run = spawnSync('sh', ['-c', '"$@"; code=$?; times >&2; exit $code', 'sh', ...command], {
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT_BYTES,
  });
  check(`titrate ${args.join(' ')}`, run);
  const children = run.stderr.trimEnd().split('\n').at(-1)!;
  return { stdout: run.stdout, cpuSeconds: cpuSecondsOf(children) };
}

/** Of a line such as `1m2.34s 0m0.56s`: user and system time together. */
export function cpuSecondsOf(line: string): number {
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)];
  if (parts.length !== 2) throw new Error(`no times in ${JSON.stringify(line)}`);
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}

interface Answer {
  readonly value: number;
  readonly interval?: readonly [number, number];
}

/** By SMILES as they were asked; tables have no SMILES twice. */
function readPredictions(file: string): Map<string, Answer> {
  const rows = parse(readFileSync(file), { columns: true }) as Record<string, string>[];
  const number = (text: string | undefined) => (text === undefined || text === '' ? NaN : Number(text));
  return new Map(
    rows.flatMap(({ smiles, value, lower90, upper90 }): [string, Answer][] => {
      if (!Number.isFinite(number(value))) return [];
      const interval = [number(lower90), number(upper90)] as const;
      return [[smiles!, { value: Number(value), ...(interval.every(Number.isFinite) && { interval }) }]];
    }),
  );
}
