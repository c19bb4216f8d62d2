/**
 * `npm run bench`: what the costly steps cost on this machine, with peers side by side in the same run. CPU-seconds of the whole
 * process, all threads; the median of the repeats. Needs the Python of `npm test` for the peers; without it their column is empty.
 */
import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import path from 'node:path';
import { createChemistry, type Chemistry } from '../src/chemistry';
import {
  featurizerSchema,
  moleculeCapsSchema,
  standardisationSchema,
  type FeatureMatrix,
} from '../src/contracts';
import { createRandom, packageRoot } from '../src/foundation';
import { createLearning, type LabelledSet } from '../src/learning';
import { recordBenchmark } from '../src/platform/bench';
import { standardiseRows } from '../src/processing';

const REPEATS = 3;
const python = [process.env.TITRATE_TEST_PYTHON, path.join(packageRoot, '.titrate/python/bin/python')].find(
  (file) => file && existsSync(file),
);

interface Row {
  readonly what: string;
  readonly cpuSeconds: number;
  readonly peer?: string;
  readonly peerCpuSeconds?: number;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

async function cpuSeconds(work: () => Promise<unknown>, repeats = REPEATS): Promise<number> {
  const seen: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    seen.push((user + system) / 1e6);
  }
  return median(seen);
}

/** Runs a script that prints one number, with one thread. */
function peer(script: string, input: unknown): number | undefined {
  if (!python) return undefined;
  const one = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const result = spawnSync(python, ['-c', script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    env: { ...process.env, ...one },
  });
  if (result.status !== 0) throw new Error(result.stderr);
  return Number(result.stdout);
}

/** Fingerprints as sparse as Morgan counts, in families so that there is something to learn. */
function synthetic(rows: number, columns = 8192, on = 120): LabelledSet {
  const random = createRandom(rows);
  const seeds = Array.from({ length: 20 }, () => Array.from({ length: on }, () => random.below(columns)));
  const data = new Uint8Array((rows * columns) / 8);
  const targets = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const family = random.below(seeds.length);
    for (const bit of seeds[family]!) {
      const at = random.next() < 0.6 ? bit : random.below(columns);
      data[row * (columns / 8) + (at >> 3)]! |= 1 << (at & 7);
    }
    targets[row] = family / 5 + 0.3 * random.normal();
  }
  const spec = featurizerSchema.parse({ kind: 'morgan', bits: columns });
  const features: FeatureMatrix = {
    spec,
    moleculeIds: Array.from({ length: rows }, (_, i) => `m${i}`),
    rows,
    columns,
    layout: 'bits',
    data,
  };
  return {
    features,
    targets,
    qualifiers: Array.from({ length: rows }, () => '=' as const),
    replicates: new Float64Array(rows).fill(1),
  };
}

/** The same likelihood, maximised over the noise ratio through one eigendecomposition (LAPACK). */
const NUMPY_GP = `
import sys, json, time, numpy as np
from scipy.optimize import minimize_scalar
n, repeats = json.load(sys.stdin)
rng = np.random.default_rng(0)
X = (rng.random((n, 8192)) < 0.0146).astype(np.float32); y = rng.normal(size=n); y = (y - y.mean()) / y.std()
def fit():
    dot = (X @ X.T).astype(np.float64); s = X.sum(1)
    K = dot / (s[:, None] + s[None, :] - dot)
    w, V = np.linalg.eigh(K); z = V.T @ y; o = V.T @ np.ones(n)
    def nll(logr):
        d = np.maximum(w, 0) + np.exp(logr); m = (o * z / d).sum() / (o * o / d).sum(); r = z - m * o
        return 0.5 * n * np.log((r * r / d).sum() / n) + 0.5 * np.log(d).sum()
    minimize_scalar(nll, bounds=(-9, 3), method='bounded')
seen = []
for _ in range(repeats):
    t = time.process_time(); fit(); seen.append(time.process_time() - t)
print(sorted(seen)[len(seen) // 2])
`;

const PYTHON_RDKIT = `
import sys, json, time
from rdkit import Chem, RDLogger
from rdkit.Chem import rdFingerprintGenerator as g
RDLogger.DisableLog('rdApp.*')
smiles = json.load(sys.stdin)
a = g.GetMorganGenerator(radius=3, fpSize=4096, countSimulation=True); b = g.GetAtomPairGenerator(fpSize=4096, countSimulation=True)
t = time.process_time()
for s in smiles:
    m = Chem.MolFromSmiles(s); a.GetFingerprint(m); b.GetFingerprint(m)
print(time.process_time() - t)
`;

async function main(): Promise<void> {
  const rows: Row[] = [];
  const chemistry = createChemistry({ threads: 1 });
  const learning = createLearning({ threads: 1, backend: 'auto' });
  try {
    const smiles = await poolSmiles(chemistry);
    const featurizer = featurizerSchema.parse({
      kind: 'concatenation',
      parts: [
        { kind: 'morgan', radius: 3, bits: 4096 },
        { kind: 'atom-pair', bits: 4096 },
      ],
    });
    const molecules = smiles.map((s, i) => ({ moleculeId: `m${i}`, smiles: s }));
    await chemistry.featurise(molecules.slice(0, 50), featurizer);
    rows.push({
      what: `features of ${smiles.length} molecules (Morgan 3 + atom pairs, 4,096 bits each)`,
      cpuSeconds: await cpuSeconds(() => chemistry.featurise(molecules, featurizer)),
      peer: "Python's RDKit",
      peerCpuSeconds: peer(PYTHON_RDKIT, smiles),
    });
    for (const n of [300, 1000, 2000]) {
      const labelled = synthetic(n);
      const fit = async () =>
        (
          await learning.fit({
            settings: { family: 'gaussian-process', noiseRatios: [0.01, 0.1, 1] },
            labelled,
            seed: 1,
          })
        ).dispose();
      rows.push({
        what: `GP fit with hyperparameters, ${n} labels`,
        cpuSeconds: await cpuSeconds(fit),
        peer: 'NumPy + LAPACK, one thread',
        peerCpuSeconds: peer(NUMPY_GP, [n, REPEATS]),
      });
    }
    const settings = {
      ...{
        family: 'mlp-ensemble' as const,
        members: 5,
        hidden: [128],
        dropout: 0.1,
        learningRate: 1e-3,
        weightDecay: 1e-4,
      },
      ...{ batchSize: 16, epochs: 60 },
    };
    const labelled = synthetic(250);
    const { backend } = await learning.runtime();
    rows.push({
      what: `ensemble of 5 networks, 250 labels, 60 epochs (${backend})`,
      cpuSeconds: await cpuSeconds(async () =>
        (await learning.fit({ settings, labelled, seed: 1 })).dispose(),
      ),
    });
  } finally {
    await Promise.all([chemistry.close(), learning.close()]);
  }
  recordBenchmark(
    'main',
    rows.map(({ what, cpuSeconds: value, peer: name, peerCpuSeconds }) => ({
      ...{ name: what, value, unit: 'CPU s' },
      peer: name && peerCpuSeconds !== undefined ? { name, value: peerCpuSeconds } : null,
    })),
  );
  for (const row of rows) {
    const beside =
      row.peerCpuSeconds === undefined
        ? ''
        : `| ${row.peer}: ${row.peerCpuSeconds.toFixed(2)} | ${(row.cpuSeconds / row.peerCpuSeconds).toFixed(2)}`;
    process.stdout.write(`| ${row.what} | ${row.cpuSeconds.toFixed(2)} ${beside || '| |'} |\n`);
  }
}

/** Standard SMILES of the example's CSV. */
async function poolSmiles(chemistry: Chemistry): Promise<string[]> {
  const uri = path.join(packageRoot, 'examples/solubility/measured.csv');
  const caps = moleculeCapsSchema.parse({});
  const standardisation = standardisationSchema.parse({});
  const smiles = new Set<string>();
  for await (const { rows } of standardiseRows({
    raw: () => createReadStream(uri),
    localPath: () => Promise.resolve(uri),
    sourceSha256: '',
    source: { uri },
    caps,
    standardisation,
    chemistry,
  }))
    for (const row of rows) smiles.add(row.smiles);
  return [...smiles];
}

void main();
