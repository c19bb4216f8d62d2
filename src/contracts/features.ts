import { z } from 'zod';

const bits = z
  .number()
  .int()
  .min(64)
  .max(16384)
  .multipleOf(64)
  .default(2048)
  .describe('Fingerprint length, bits.');
const counts = z
  .enum(['none', 'simulated'])
  .default('simulated')
  .describe("'simulated' spreads counts over extra bits the way RDKit's useCountSimulation does.");

const morgan = z.strictObject({
  kind: z.literal('morgan'),
  radius: z.number().int().min(1).max(4).default(2).describe('Neighbourhood radius, bonds.'),
  bits,
  counts,
});
const rdkit = z.strictObject({
  kind: z.literal('rdkit'),
  minPath: z.number().int().min(1).max(7).default(1),
  maxPath: z.number().int().min(1).max(7).default(7),
  bits,
  counts: z.enum(['none', 'simulated']).default('none'),
});
const atomPair = z.strictObject({ kind: z.literal('atom-pair'), bits, counts });
const torsion = z.strictObject({ kind: z.literal('topological-torsion'), bits, counts });
const morganCounts = z.strictObject({
  kind: z.literal('morgan-counts'),
  radius: z.number().int().min(1).max(4).default(3).describe('Neighbourhood radius, bonds.'),
});
const atomPairCounts = z.strictObject({ kind: z.literal('atom-pair-counts') });
const graph = z.strictObject({ kind: z.literal('graph') });
const maccs = z.strictObject({ kind: z.literal('maccs') });
const descriptors = z.strictObject({ kind: z.literal('descriptors') });

export const simpleFeaturizerSchema = z.discriminatedUnion('kind', [
  morgan,
  rdkit,
  atomPair,
  torsion,
  maccs,
  descriptors,
  morganCounts,
  atomPairCounts,
  graph,
]);
export type SimpleFeaturizer = z.infer<typeof simpleFeaturizerSchema>;

const COUNTING: readonly SimpleFeaturizer['kind'][] = ['morgan-counts', 'atom-pair-counts'];

/** Whether features go side by side in one row: bits and descriptors do, counts do, a graph does, each with descriptors. */
function goTogether(parts: readonly SimpleFeaturizer[]): boolean {
  const kinds = parts.map(({ kind }) => kind).filter((kind) => kind !== 'descriptors');
  if (kinds.includes('graph')) return kinds.length === 1;
  return kinds.every((kind) => COUNTING.includes(kind) === COUNTING.includes(kinds[0]!));
}

const concatenation = z.strictObject({
  kind: z.literal('concatenation'),
  parts: z
    .array(simpleFeaturizerSchema)
    .min(2)
    .max(6)
    .refine(
      goTogether,
      'bits, counts and graphs do not share a row (descriptors go with each); put them into a bundle',
    ),
});
/** Several feature sets of the same molecules side by side, each as it is: what a stack of models reads. */
const bundle = z.strictObject({
  kind: z.literal('bundle'),
  parts: z
    .array(z.discriminatedUnion('kind', [...simpleFeaturizerSchema.options, concatenation]))
    .min(2)
    .max(6),
});

/** What a molecule is described by: name and parameters. Behaviour lives in chemistry/; the spec hashes into cache keys. */
export const featurizerSchema = z.discriminatedUnion('kind', [
  ...simpleFeaturizerSchema.options,
  concatenation,
  bundle,
]);
export type FeaturizerSpec = z.infer<typeof featurizerSchema>;
export type FeaturizerInput = z.input<typeof featurizerSchema>;

/**
 * Features of molecules, one row a molecule.
 * - `bits`: packed little-endian within a byte, `columns / 8` bytes a row (`data` Uint8Array).
 * - `dense`: `columns` float32 values a row (Float32Array).
 * - `counts`: rows of varying length (Uint32Array with `offsets`). A row is `columns` float32 values (their bits; the descriptors
 *   of a concatenation, else none), then pairs of a key (a hash, unfolded; ascending within a row) and its count, at least 1.
 * - `graph`: rows of varying length (Uint32Array with `offsets`). A row is `columns` float32 values as above, then the molecule's
 *   graph as chemistry writes it.
 * - `bundle`: no data of its own; `parts` holds one matrix for each part of the spec, all of the same molecules.
 * A concatenation of bit parts is `bits`; with descriptors among them `dense`; of count parts, with or without descriptors,
 * `counts`; of a graph and descriptors `graph`.
 */
export interface FeatureMatrix {
  readonly spec: FeaturizerSpec;
  readonly moleculeIds: readonly string[];
  readonly rows: number;
  readonly columns: number;
  readonly layout: FeatureLayout;
  readonly data: Uint8Array | Float32Array | Uint32Array;
  /** Layouts `counts` and `graph`: row i is data[offsets[i]] up to data[offsets[i + 1]]; length rows + 1, first 0. */
  readonly offsets?: Uint32Array;
  /** Layout `bundle` only. */
  readonly parts?: readonly FeatureMatrix[];
}
export type FeatureLayout = 'bits' | 'dense' | 'counts' | 'graph' | 'bundle';

/** A short readable name, for trial tables and the Web UI: `morgan3-4096c+atom-pair-4096c`. */
export function featurizerName(spec: FeaturizerSpec): string {
  switch (spec.kind) {
    case 'concatenation':
      return spec.parts.map(featurizerName).join('+');
    case 'bundle':
      return spec.parts.map(featurizerName).join(' & ');
    case 'morgan-counts':
      return `morgan${spec.radius}-counts`;
    case 'morgan':
      return `morgan${spec.radius}-${spec.bits}${spec.counts === 'simulated' ? 'c' : ''}`;
    case 'maccs':
    case 'descriptors':
    case 'atom-pair-counts':
    case 'graph':
      return spec.kind;
    default:
      return `${spec.kind}-${spec.bits}${spec.counts === 'simulated' ? 'c' : ''}`;
  }
}
