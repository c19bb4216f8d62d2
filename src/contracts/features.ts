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
const maccs = z.strictObject({ kind: z.literal('maccs') });
const descriptors = z.strictObject({ kind: z.literal('descriptors') });

export const simpleFeaturizerSchema = z.discriminatedUnion('kind', [
  morgan,
  rdkit,
  atomPair,
  torsion,
  maccs,
  descriptors,
]);
export type SimpleFeaturizer = z.infer<typeof simpleFeaturizerSchema>;

/** What a molecule is described by: name and parameters. Behaviour lives in chemistry/; the spec hashes into cache keys. */
export const featurizerSchema = z.discriminatedUnion('kind', [
  ...simpleFeaturizerSchema.options,
  z.strictObject({ kind: z.literal('concatenation'), parts: z.array(simpleFeaturizerSchema).min(2).max(6) }),
]);
export type FeaturizerSpec = z.infer<typeof featurizerSchema>;
export type FeaturizerInput = z.input<typeof featurizerSchema>;

/**
 * Features of molecules, row-major, one row a molecule.
 * `bits`: packed little-endian within a byte, `columns / 8` bytes a row. `dense`: float32, `columns` values a row.
 * A concatenation of bit parts is `bits`; one with descriptors in it is `dense`.
 */
export interface FeatureMatrix {
  readonly spec: FeaturizerSpec;
  readonly moleculeIds: readonly string[];
  readonly rows: number;
  readonly columns: number;
  readonly layout: 'bits' | 'dense';
  readonly data: Uint8Array | Float32Array;
}

/** A short readable name, for trial tables and the Web UI: `morgan3-4096c+atom-pair-4096c`. */
export function featurizerName(spec: FeaturizerSpec): string {
  switch (spec.kind) {
    case 'concatenation':
      return spec.parts.map(featurizerName).join('+');
    case 'morgan':
      return `morgan${spec.radius}-${spec.bits}${spec.counts === 'simulated' ? 'c' : ''}`;
    case 'maccs':
    case 'descriptors':
      return spec.kind;
    default:
      return `${spec.kind}-${spec.bits}${spec.counts === 'simulated' ? 'c' : ''}`;
  }
}
