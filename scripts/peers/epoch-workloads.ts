/** What `npm run bench:epoch` trains on, and what ours spends on it. */
import path from 'node:path';
import { createChemistry } from '../../src/chemistry';
import { featurizerSchema } from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import type { LabelledSet } from '../../src/learning';
import { createMessagePassingEnsemble } from '../../src/learning/message-passing';
import { createMlpEnsemble } from '../../src/learning/mlp-ensemble';
import { DATA_SETS } from './data-sets';

/** The MLP's shape, named as scripts/peers/epoch.py has it. */
export const MLP = { rows: 10_000, columns: 2048, hidden: [512, 512], batch: 128, rate: 1e-3, decay: 1e-4 };
/** Share of bits set: a drug-like molecule sets about 45 of 2,048 Morgan bits of radius 2. */
export const DENSITY = 0.022;
/** The message-passing network's shape, chemprop's default; named as scripts/peers/epoch_dmpnn.py has it. */
export const GRAPHS = { size: 300, depth: 3, hidden: 300, batch: 64, rate: 1e-3, decay: 1e-4 };
const MOLECULES = 1000;

export const INPUTS = ['sparse', 'dense', 'graphs'] as const;
export type Inputs = (typeof INPUTS)[number];

export interface Workload {
  readonly inputs: Inputs;
  readonly epochs: number;
  /** Folder of lipophilicity_4200.csv, for graphs. */
  readonly data?: string;
}

export interface Cost {
  readonly cpuSeconds: number;
  readonly peakRssMegabytes: number;
}

const KIBIBYTES_A_MEGABYTE = 1024;

/** The first molecules of the lipophilicity set, as every method on graphs sees them. */
export function molecules(data: string): { smiles: readonly string[]; targets: readonly number[] } {
  const set = DATA_SETS.find(({ name }) => name === 'lipophilicity')!;
  const { smiles, targets } = set.read({
    folder: path.resolve(data),
    seed: 1,
    inactives: { mapk1: 0, muv: 0 },
  });
  return { smiles: smiles.slice(0, MOLECULES), targets: targets.slice(0, MOLECULES) };
}

const labelsOf = (targets: Float64Array) => ({
  targets,
  qualifiers: Array.from(targets, () => '=' as const),
  replicates: new Float64Array(targets.length).fill(1),
});

function numbers(inputs: 'sparse' | 'dense'): LabelledSet {
  const { rows, columns } = MLP;
  const random = createRandom(1);
  const moleculeIds = Array.from({ length: rows }, (_, row) => `m${row}`);
  const labels = labelsOf(Float64Array.from(moleculeIds, () => random.normal()));
  const spec = featurizerSchema.parse({ kind: 'morgan', bits: columns });
  const shape = { spec, moleculeIds, rows, columns };
  if (inputs === 'dense') {
    const data = new Float32Array(rows * columns).map(() => random.normal());
    return { features: { ...shape, layout: 'dense', data }, ...labels };
  }
  const data = new Uint8Array((rows * columns) / 8);
  for (let bit = 0; bit < rows * columns; bit++) {
    if (random.next() < DENSITY) data[bit >> 3]! |= 1 << (bit & 7);
  }
  return { features: { ...shape, layout: 'bits', data }, ...labels };
}

async function graphs(data: string): Promise<LabelledSet> {
  const { smiles, targets } = molecules(data);
  const chemistry = createChemistry({ threads: 1 });
  try {
    const known = smiles.map((text, row) => ({ moleculeId: `m${row}`, smiles: text }));
    const features = await chemistry.featurise(known, featurizerSchema.parse({ kind: 'graph' }));
    return { features, ...labelsOf(Float64Array.from(targets)) };
  } finally {
    await chemistry.close();
  }
}

/** Trains one member on one thread in this process, which has to be a new one. */
export async function measureOurs(
  backend: 'wasm' | 'tensorflow',
  { inputs, epochs, data }: Workload,
): Promise<Cost> {
  const shared = { members: 1, dropout: 0, epochs };
  const on = { threads: 1, backend };
  const labelled = inputs === 'graphs' ? await graphs(data!) : numbers(inputs);
  const { rate, decay, batch } = inputs === 'graphs' ? GRAPHS : MLP;
  const training = { ...shared, learningRate: rate, weightDecay: decay, batchSize: batch };
  const ensemble = inputs === 'graphs' ? createMessagePassingEnsemble(on) : createMlpEnsemble(on);
  const settings =
    inputs === 'graphs'
      ? {
          family: 'message-passing-ensemble' as const,
          ...{ messageSize: GRAPHS.size, depth: GRAPHS.depth, hidden: [GRAPHS.hidden] },
          ...training,
        }
      : { family: 'mlp-ensemble' as const, hidden: MLP.hidden, ...training };
  const before = process.cpuUsage();
  const model = await ensemble.fit({ settings, labelled, seed: 1 });
  const { user, system } = process.cpuUsage(before);
  const peakRssMegabytes = process.resourceUsage().maxRSS / KIBIBYTES_A_MEGABYTE;
  model.dispose();
  await ensemble.close();
  return { cpuSeconds: (user + system) / 1e6, peakRssMegabytes };
}
