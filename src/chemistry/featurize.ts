import {
  featurizerSchema,
  parseWith,
  TitrateError,
  type FeaturizerSpec,
  type SimpleFeaturizer,
} from '../contracts';
import { DESCRIPTOR_NAMES, descriptorRow } from './descriptors';
import type { RdkitMol } from './rdkit-module';

/** MACCS has 167 bits (bit 0 is never set); a 168th, always 0, fills the last byte. */
export const MACCS_COLUMNS = 168;

export type FeatureRow = Uint8Array | Float32Array;

/** What the rows of a spec look like. */
export interface FeatureShape {
  readonly columns: number;
  readonly layout: 'bits' | 'dense';
}

const partsOf = (spec: FeaturizerSpec): readonly SimpleFeaturizer[] =>
  spec.kind === 'concatenation' ? spec.parts : [spec];

function partColumns(part: SimpleFeaturizer): number {
  if (part.kind === 'maccs') return MACCS_COLUMNS;
  return part.kind === 'descriptors' ? DESCRIPTOR_NAMES.length : part.bits;
}

/** Columns and layout of a spec's features: parts side by side in their order; `dense` as soon as descriptors are among them. */
export function featureShape(spec: FeaturizerSpec): FeatureShape {
  const parts = partsOf(spec);
  return {
    columns: parts.reduce((sum, part) => sum + partColumns(part), 0),
    layout: parts.some(({ kind }) => kind === 'descriptors') ? 'dense' : 'bits',
  };
}

/**
 * Fills in defaults and checks what the schema cannot.
 * @throws config-invalid
 */
export function checkFeaturizer(spec: FeaturizerSpec): FeaturizerSpec {
  const checked = parseWith(featurizerSchema, spec, 'featurizer');
  for (const part of partsOf(checked)) {
    if (part.kind === 'rdkit' && part.minPath > part.maxPath) {
      throw new TitrateError('config-invalid', {
        what: `minPath is ${part.minPath} and maxPath ${part.maxPath}; paths need minPath <= maxPath`,
        where: 'featurizer rdkit',
        remedy: 'Swap them',
      });
    }
  }
  return checked;
}

/**
 * Options of RDKit's fingerprint calls as JSON. RDKit ignores a name that it does not know, in silence, so every name here is
 * one that a test has seen change the result.
 */
function options(part: Extract<SimpleFeaturizer, { bits: number }>): string {
  const common = { nBits: part.bits, useCountSimulation: part.counts === 'simulated' };
  if (part.kind === 'morgan') return JSON.stringify({ ...common, radius: part.radius });
  if (part.kind === 'rdkit')
    return JSON.stringify({ ...common, minPath: part.minPath, maxPath: part.maxPath });
  return JSON.stringify(common);
}

function partRow(mol: RdkitMol, part: SimpleFeaturizer): FeatureRow {
  switch (part.kind) {
    case 'morgan':
      return mol.get_morgan_fp_as_uint8array(options(part)) as Uint8Array;
    case 'rdkit':
      return mol.get_rdkit_fp_as_uint8array(options(part)) as Uint8Array;
    case 'atom-pair':
      return mol.get_atom_pair_fp_as_uint8array(options(part)) as Uint8Array;
    case 'topological-torsion':
      return mol.get_topological_torsion_fp_as_uint8array(options(part)) as Uint8Array;
    case 'maccs':
      return mol.get_maccs_fp_as_uint8array() as Uint8Array;
    case 'descriptors':
      return descriptorRow(mol.get_descriptors());
  }
}

/**
 * One molecule's features; all parts of a concatenation from the one parsed molecule.
 * @returns `columns / 8` bytes (bit b of a row is bit b % 8 of byte b / 8), or `columns` float32 values
 */
export function featureRow(mol: RdkitMol, spec: FeaturizerSpec): FeatureRow {
  const { columns, layout } = featureShape(spec);
  const row = layout === 'bits' ? new Uint8Array(columns / 8) : new Float32Array(columns);
  let at = 0;
  for (const part of partsOf(spec)) {
    const values = partRow(mol, part);
    if (layout === 'bits' || values instanceof Float32Array) row.set(values, at);
    else
      for (let bit = 0; bit < partColumns(part); bit++) row[at + bit] = (values[bit >> 3]! >> (bit & 7)) & 1;
    at += layout === 'bits' ? values.length : partColumns(part);
  }
  return row;
}
