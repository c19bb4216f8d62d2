/**
 * `npm run bench:epoch`: what an epoch of training costs, ours against its peer on one thread, by turns: an MLP 2048-512-512 on 10,000
 * rows in batches of 128 against PyTorch, on dense inputs and on inputs as sparse as fingerprints; and, where `--data FOLDER` has the
 * lipophilicity set, message passing (300 wide, depth 3, batches of 64) on 1,000 molecules against chemprop. Every figure is a process of
 * its own: CPU seconds an epoch from the difference of a long and a short training (start-up drops out), and the peak memory of the long
 * one. Ours predicts a mean and a variance and keeps a held-out share aside, the peer a value. The peers' Python is that of
 * bench:models; `--python FILE` names another. Ours runs on WebAssembly, and natively where .titrate/native or NODE_PATH has a native
 * TensorFlow.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../src/foundation';
import { recordBenchmark } from '../src/platform/bench';
import {
  DENSITY,
  GRAPHS,
  INPUTS,
  measureOurs,
  MLP,
  molecules,
  type Cost,
  type Inputs,
  type Workload,
} from './peers/epoch-workloads';
import { peerPython } from './peers/methods';
import { quantile } from './peers/statistics';

const LENGTHS = { short: 1, long: 5 };

function run(what: string, command: readonly string[], input: unknown, env: NodeJS.ProcessEnv = {}): Cost {
  const [file, ...args] = command;
  const child = spawnSync(file!, args, {
    input: JSON.stringify(input),
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (child.status !== 0) throw new Error(`${what} failed:\n${child.stderr}`);
  return JSON.parse(child.stdout) as Cost;
}

interface Contestant {
  readonly name: string;
  readonly cost: (workload: Workload) => Cost;
}

/** The peer first. */
function contestants(python: string, inputs: Inputs): Contestant[] {
  const ours = (backend: string, env: NodeJS.ProcessEnv) => (workload: Workload) => {
    const args = ['--measure', backend, '--epochs', String(workload.epochs), '--inputs', inputs];
    const data = workload.data ? ['--data', workload.data] : [];
    return run(backend, [process.execPath, __filename, ...args, ...data], null, env);
  };
  const native = [process.env.NODE_PATH, path.join(packageRoot, '.titrate', 'native', 'node_modules')].find(
    (folder) => folder && existsSync(path.join(folder, '@tensorflow', 'tfjs-node')),
  );
  // TensorFlow starts a thread a core unless it is told.
  const oneThread = { OMP_NUM_THREADS: '1', TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' };
  const script = (name: string) => [python, '-B', path.join(packageRoot, 'scripts', 'peers', name)];
  const peer: Contestant =
    inputs === 'graphs'
      ? {
          name: 'chemprop, one thread',
          cost: ({ epochs, data }) =>
            run('chemprop', script('epoch_dmpnn.py'), { ...GRAPHS, ...molecules(data!), epochs }),
        }
      : {
          name: 'PyTorch, one thread',
          cost: ({ epochs }) =>
            run('PyTorch', script('epoch.py'), {
              ...MLP,
              density: DENSITY,
              dense: inputs === 'dense',
              epochs,
            }),
        };
  return [
    peer,
    { name: 'titrate, WebAssembly', cost: ours('wasm', {}) },
    ...(native
      ? [{ name: 'titrate, native', cost: ours('tensorflow', { NODE_PATH: native, ...oneThread }) }]
      : []),
  ];
}

interface Figure {
  readonly inputs: Inputs;
  readonly method: string;
  /** Medians of the repeats. */
  readonly cpuSecondsAnEpoch: number;
  readonly peakRssMegabytes: number;
  readonly ratioToPeer: number;
}

function compare(python: string, inputs: Inputs, repeats: number, data?: string): Figure[] {
  const methods = contestants(python, inputs);
  const seen = methods.map(() => [] as Cost[]);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [i, { cost }] of methods.entries()) {
      const of = (epochs: number) => cost({ inputs, epochs, ...(data && { data }) });
      const [short, long] = [of(LENGTHS.short), of(LENGTHS.long)];
      const cpuSeconds = (long.cpuSeconds - short.cpuSeconds) / (LENGTHS.long - LENGTHS.short);
      seen[i]!.push({ cpuSeconds, peakRssMegabytes: long.peakRssMegabytes });
    }
  }
  const median = (i: number, key: keyof Cost) =>
    quantile(
      seen[i]!.map((cost) => cost[key]),
      0.5,
    );
  return methods.map(({ name }, i): Figure => ({
    inputs,
    method: name,
    cpuSecondsAnEpoch: median(i, 'cpuSeconds'),
    peakRssMegabytes: median(i, 'peakRssMegabytes'),
    ratioToPeer: median(i, 'cpuSeconds') / median(0, 'cpuSeconds'),
  }));
}

/** @throws Error for inputs that there are none of, or without the data that they need */
function inputsNamed(text: string | undefined, data: string | undefined): Inputs[] {
  const named = text?.split(',') ?? INPUTS.filter((inputs) => inputs !== 'graphs' || data);
  for (const name of named) {
    if (!INPUTS.some((inputs) => inputs === name))
      throw new Error(`--inputs ${name}: there are ${INPUTS.join(', ')}`);
    if (name === 'graphs' && !data)
      throw new Error('--inputs graphs needs --data FOLDER, with lipophilicity_4200.csv in it');
  }
  if (!text && !data) process.stderr.write('message passing is left out; --data FOLDER for it\n');
  return named as Inputs[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      python: { type: 'string' },
      /** Folder of the lipophilicity set. */
      data: { type: 'string' },
      inputs: { type: 'string' },
      repeats: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      /** Ours, in this process: for the script itself. */
      measure: { type: 'string' },
      epochs: { type: 'string', default: '1' },
    },
  });
  const { data, measure } = values;
  const chosen = inputsNamed(values.inputs, data);
  if (measure === 'wasm' || measure === 'tensorflow') {
    const workload = { inputs: chosen[0]!, epochs: Number(values.epochs), ...(data && { data }) };
    process.stdout.write(JSON.stringify(await measureOurs(measure, workload)));
    return;
  }
  const python = peerPython(values.python);
  const figures = chosen.flatMap((inputs) => compare(python, inputs, Number(values.repeats), data));
  recordBenchmark(
    'epoch',
    figures
      .filter(({ ratioToPeer }) => ratioToPeer !== 1)
      .map(({ inputs, method, cpuSecondsAnEpoch: value, ratioToPeer }) => ({
        ...{ name: `${inputs}: ${method}`, value, unit: 'CPU s an epoch' },
        peer: { name: 'the peer', value: value / ratioToPeer },
      })),
  );
  if (values.json) {
    process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
    return;
  }
  process.stdout.write('| inputs | method | CPU s an epoch | times the peer | peak memory, MB |\n');
  process.stdout.write('| --- | --- | --- | --- | --- |\n');
  for (const figure of figures) {
    const cells = [figure.cpuSecondsAnEpoch, figure.ratioToPeer].map((value) => value.toFixed(2));
    const memory = figure.peakRssMegabytes.toFixed(0);
    process.stdout.write(`| ${[figure.inputs, figure.method, ...cells, memory].join(' | ')} |\n`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
