/**
 * `npm run bench:epoch`: what an epoch of training costs, ours against PyTorch on one thread, by turns: an MLP 2048-512-512 on
 * 10,000 rows in batches of 128, on dense inputs and on inputs as sparse as fingerprints. Every figure is a process of its own: CPU
 * seconds an epoch from the difference of a long and a short training (start-up drops out), and the peak memory of the long one. Ours
 * predicts a mean and a variance and keeps a held-out share aside, the peer a value. The peer's Python is that of bench:models;
 * `--python FILE` names another. Ours runs on WebAssembly, and natively where .titrate/native or NODE_PATH has a native TensorFlow.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { featurizerSchema } from '../src/contracts';
import { createRandom, packageRoot } from '../src/foundation';
import type { LabelledSet } from '../src/learning';
import { createMlpEnsemble } from '../src/learning/mlp-ensemble';
import { peerPython } from './peers/methods';
import { quantile } from './peers/statistics';

const SHAPE = { rows: 10_000, columns: 2048, hidden: [512, 512], batch: 128, rate: 1e-3, decay: 1e-4 };
/** Share of bits set: a drug-like molecule sets about 45 of 2,048 Morgan bits of radius 2. */
const DENSITY = 0.022;
const LENGTHS = { short: 1, long: 5 };
const MEBIBYTE_KIBIBYTES = 1024;

interface Cost {
  readonly cpuSeconds: number;
  readonly peakRssMegabytes: number;
}

interface Workload {
  readonly dense: boolean;
  readonly epochs: number;
}

function inputs(dense: boolean): LabelledSet {
  const { rows, columns } = SHAPE;
  const random = createRandom(1);
  const moleculeIds = Array.from({ length: rows }, (_, row) => `m${row}`);
  const targets = Float64Array.from(moleculeIds, () => random.normal());
  const labels = {
    targets,
    qualifiers: moleculeIds.map(() => '=' as const),
    replicates: new Float64Array(rows).fill(1),
  };
  const spec = featurizerSchema.parse({ kind: 'morgan', bits: columns });
  const shape = { spec, moleculeIds, rows, columns };
  if (dense) {
    const data = new Float32Array(rows * columns).map(() => random.normal());
    return { features: { ...shape, layout: 'dense', data }, ...labels };
  }
  const data = new Uint8Array((rows * columns) / 8);
  for (let bit = 0; bit < rows * columns; bit++) {
    if (random.next() < DENSITY) data[bit >> 3]! |= 1 << (bit & 7);
  }
  return { features: { ...shape, layout: 'bits', data }, ...labels };
}

/** Runs in a process of its own. */
async function measureOurs(backend: 'wasm' | 'tensorflow', { dense, epochs }: Workload): Promise<void> {
  const labelled = inputs(dense);
  const ensemble = createMlpEnsemble({ threads: 1, backend });
  const training = { learningRate: SHAPE.rate, weightDecay: SHAPE.decay, batchSize: SHAPE.batch, epochs };
  const network = { family: 'mlp-ensemble' as const, members: 1, hidden: SHAPE.hidden, dropout: 0 };
  const before = process.cpuUsage();
  const model = await ensemble.fit({ settings: { ...network, ...training }, labelled, seed: 1 });
  const { user, system } = process.cpuUsage(before);
  const peakRssMegabytes = process.resourceUsage().maxRSS / MEBIBYTE_KIBIBYTES;
  process.stdout.write(JSON.stringify({ cpuSeconds: (user + system) / 1e6, peakRssMegabytes }));
  model.dispose();
  await ensemble.close();
}

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

function contestants(python: string): Contestant[] {
  const ours = (backend: string, env: NodeJS.ProcessEnv) => (workload: Workload) => {
    const args = ['--measure', backend, '--epochs', String(workload.epochs)];
    const kind = workload.dense ? ['--dense'] : [];
    return run(backend, [process.execPath, __filename, ...args, ...kind], null, env);
  };
  const native = [process.env.NODE_PATH, path.join(packageRoot, '.titrate', 'native', 'node_modules')].find(
    (folder) => folder && existsSync(path.join(folder, '@tensorflow', 'tfjs-node')),
  );
  // TensorFlow starts a thread a core unless it is told.
  const oneThread = { OMP_NUM_THREADS: '1', TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' };
  const peer = (workload: Workload) => {
    const script = path.join(packageRoot, 'scripts', 'peers', 'epoch.py');
    return run('PyTorch', [python, '-B', script], { ...SHAPE, density: DENSITY, ...workload });
  };
  return [
    { name: 'PyTorch, one thread', cost: peer },
    { name: 'titrate, WebAssembly', cost: ours('wasm', {}) },
    ...(native
      ? [{ name: 'titrate, native', cost: ours('tensorflow', { NODE_PATH: native, ...oneThread }) }]
      : []),
  ];
}

interface Figure {
  readonly inputs: 'dense' | 'sparse';
  readonly method: string;
  /** Medians of the repeats. */
  readonly cpuSecondsAnEpoch: number;
  readonly peakRssMegabytes: number;
  readonly ratioToPyTorch: number;
}

function compare(python: string, repeats: number): Figure[] {
  const methods = contestants(python);
  return [false, true].flatMap((dense) => {
    const seen = methods.map(() => [] as Cost[]);
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const [i, { cost }] of methods.entries()) {
        const short = cost({ dense, epochs: LENGTHS.short });
        const long = cost({ dense, epochs: LENGTHS.long });
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
      inputs: dense ? 'dense' : 'sparse',
      method: name,
      cpuSecondsAnEpoch: median(i, 'cpuSeconds'),
      peakRssMegabytes: median(i, 'peakRssMegabytes'),
      ratioToPyTorch: median(i, 'cpuSeconds') / median(0, 'cpuSeconds'),
    }));
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      python: { type: 'string' },
      repeats: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      /** Ours, in this process: for the script itself. */
      measure: { type: 'string' },
      epochs: { type: 'string', default: '1' },
      dense: { type: 'boolean', default: false },
    },
  });
  if (values.measure === 'wasm' || values.measure === 'tensorflow') {
    await measureOurs(values.measure, { dense: values.dense, epochs: Number(values.epochs) });
    return;
  }
  const figures = compare(peerPython(values.python), Number(values.repeats));
  if (values.json) {
    process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
    return;
  }
  process.stdout.write('| inputs | method | CPU s an epoch | times PyTorch | peak memory, MB |\n');
  process.stdout.write('| --- | --- | --- | --- | --- |\n');
  for (const figure of figures) {
    const cells = [figure.cpuSecondsAnEpoch, figure.ratioToPyTorch].map((value) => value.toFixed(2));
    const memory = figure.peakRssMegabytes.toFixed(0);
    process.stdout.write(`| ${[figure.inputs, figure.method, ...cells, memory].join(' | ')} |\n`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
