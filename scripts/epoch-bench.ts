/**
 * `node dist/scripts/epoch-bench.js [--rows N] [--batch N] [--backends tensorflow,wasm] [--python PATH]`
 *
 * What an epoch of a multilayer perceptron of 2048-512-512 units costs: CPU-seconds and peak memory, on made-up descriptors
 * (dense) and fingerprints (sparse, 60 bits of 2048), one process a figure so that none pays for another. With --python, an
 * interpreter that has PyTorch, the same network there on one thread, before and after. Prints one JSON object on standard output.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { MlpEnsembleSettings } from '../src/contracts';
import { createRandom } from '../src/foundation';
import type { FeatureRows } from '../src/learning/ensemble';

const COLUMNS = 2048;
const ON_BITS = 60;

const torchScript = `
import resource, sys, time, torch
kind, rows, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
torch.manual_seed(0)
x = torch.randn(rows, ${COLUMNS}) if kind == 'dense' else (torch.rand(rows, ${COLUMNS}) < ${ON_BITS} / ${COLUMNS}).float()
y = torch.randn(rows)
net = torch.nn.Sequential(torch.nn.Linear(${COLUMNS}, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Linear(512, 2))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
likelihood = torch.nn.GaussianNLLLoss()
def epoch():
    order = torch.randperm(rows)
    for start in range(0, rows, batch):
        chosen = order[start:start + batch]
        out = net(x[chosen])
        loss = likelihood(out[:, 0], y[chosen], torch.nn.functional.softplus(out[:, 1]) + 1e-4)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
epoch()
start = time.process_time()
for _ in range(2): epoch()
print((time.process_time() - start) / 2, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
`;

function rowsOf(kind: string, rows: number): FeatureRows {
  const random = createRandom(1);
  const base = { moleculeIds: [], rows, columns: COLUMNS };
  if (kind === 'dense') {
    const data = Float32Array.from({ length: rows * COLUMNS }, () => random.normal());
    return { ...base, layout: 'dense', data };
  }
  const data = new Uint8Array((rows * COLUMNS) / 8);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < ON_BITS; k++) {
      const bit = random.below(COLUMNS);
      data[(row * COLUMNS + bit) >> 3]! |= 1 << (bit & 7);
    }
  }
  return { ...base, layout: 'bits', data };
}

/** The child: CPU-seconds of an epoch (the difference of one and three, so that preparation does not count) and peak MB. */
async function measure(backend: 'tensorflow' | 'wasm', kind: string, rows: number, batch: number) {
  const { selectBackend } = await import('../src/learning/backends/select');
  const { trainMember } = await import('../src/learning/ensemble/train-member');
  await selectBackend(backend);
  const features = rowsOf(kind, rows);
  const random = createRandom(2);
  const labels = {
    values: Float64Array.from({ length: rows }, () => random.normal()),
    qualifiers: Array<'='>(rows).fill('='),
    replicates: new Float64Array(rows).fill(1),
  };
  const settings: MlpEnsembleSettings = {
    family: 'mlp-ensemble',
    members: 1,
    hidden: [512, 512],
    dropout: 0,
    learningRate: 1e-3,
    weightDecay: 0.01,
    batchSize: batch,
    epochs: 1,
  };
  const seconds = (epochs: number) => {
    const from = process.cpuUsage();
    const request = { settings: { ...settings, epochs }, task: 'regression' as const, features };
    trainMember({ ...request, labels: [labels], seed: 1 }, () => false);
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1e6;
  };
  seconds(1);
  const once = seconds(1);
  return {
    cpuSeconds: (seconds(3) - once) / 2,
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
  };
}

function torch(python: string, kind: string, rows: number, batch: number) {
  const output = execFileSync(python, ['-c', torchScript, kind, String(rows), String(batch)], {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  const [cpuSeconds, peakMegabytes] = output.trim().split(' ').map(Number);
  return { cpuSeconds, peakMegabytes };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '10000' },
      batch: { type: 'string', default: '64' },
      backends: { type: 'string', default: 'tensorflow,wasm' },
      python: { type: 'string' },
      child: { type: 'string' },
    },
  });
  const [rows, batch] = [Number(values.rows), Number(values.batch)];
  if (values.child) {
    const [backend, kind] = values.child.split(',') as ['tensorflow' | 'wasm', string];
    process.stdout.write(`${JSON.stringify(await measure(backend, kind, rows, batch))}\n`);
    return;
  }
  const results: Record<string, unknown>[] = [];
  for (const input of ['dense', 'sparse']) {
    if (values.python)
      results.push({ input, engine: 'PyTorch', ...torch(values.python, input, rows, batch) });
    for (const backend of values.backends.split(',')) {
      const options = ['--child', `${backend},${input}`, '--rows', String(rows), '--batch', String(batch)];
      const output = execFileSync(process.execPath, [__filename, ...options], { encoding: 'utf8' });
      results.push({ input, engine: backend, ...(JSON.parse(output) as object) });
    }
    if (values.python)
      results.push({ input, engine: 'PyTorch', ...torch(values.python, input, rows, batch) });
  }
  process.stdout.write(`${JSON.stringify({ network: '2048-512-512-2', rows, batch, results }, null, 2)}\n`);
}

void main();
