import type { FeaturizerSpec, SimpleFeaturizer } from '../contracts';
import { writeGraphRow } from '../foundation';
import { atomPairs } from './atom-pairs';
import { descriptorRow } from './descriptors';
import { featureShape, natureOf, partColumns, simplePartsOf } from './featurize';
import type { MolecularGraph } from './molecular-graph';
import { morganEnvironments, type IsotopeShift } from './morgan-environments';
import { perceiveGraph } from './perceive-graph';
import type { RdkitMol } from './rdkit-module';

export type SingleRow = Uint8Array | Float32Array | Uint32Array;
/** A row of a feature matrix; of a bundle, one row a part. */
export type FeatureRow = SingleRow | readonly SingleRow[];

type Bits = Extract<SimpleFeaturizer, { bits: number }>;
type Counts = Extract<SimpleFeaturizer, { kind: `${string}-counts` }>;

/**
 * Options of RDKit's fingerprint calls as JSON. RDKit ignores a name that it does not know, in silence, so every name here is
 * one that a test has seen change the result.
 */
function options(part: Bits): string {
  const common = { nBits: part.bits, useCountSimulation: part.counts === 'simulated' };
  if (part.kind === 'morgan') return JSON.stringify({ ...common, radius: part.radius });
  if (part.kind === 'rdkit')
    return JSON.stringify({ ...common, minPath: part.minPath, maxPath: part.maxPath });
  return JSON.stringify(common);
}

function packedBits(mol: RdkitMol, part: Bits | { kind: 'maccs' }): Uint8Array {
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
  }
}

/**
 * One molecule's features, everything from the one parsed molecule: its graph is read at most once.
 * @returns `bits`: `columns / 8` bytes (bit b of a row is bit b % 8 of byte b / 8); `dense`: `columns` float32 values; `counts` and
 * `graph`: words, see FeatureMatrix; of a bundle a row of each part
 */
export function featureRow(mol: RdkitMol, spec: FeaturizerSpec, isotopeShift: IsotopeShift): FeatureRow {
  let perceivedGraph: MolecularGraph | undefined;
  const graph = () => (perceivedGraph ??= perceiveGraph(mol.get_json()));
  let described: Float32Array | undefined;
  const descriptors = () => (described ??= descriptorRow(mol.get_descriptors()));
  const rowOf = (part: FeaturizerSpec): SingleRow => {
    const { layout } = featureShape(part);
    const parts = simplePartsOf(part);
    switch (layout) {
      case 'counts':
        return ragged(parts, descriptors, countedPairs(parts, graph(), isotopeShift));
      case 'graph':
        return ragged(parts, descriptors, writeGraphRow(graph()));
      default:
        return fixed(mol, part, descriptors);
    }
  };
  return spec.kind === 'bundle' ? spec.parts.map(rowOf) : rowOf(spec);
}

/** Descriptors as the bits of their float32 values, then the words. */
function ragged(
  parts: readonly SimpleFeaturizer[],
  descriptors: () => Float32Array,
  words: Uint32Array,
): Uint32Array {
  const leading = parts.flatMap(({ kind }) => (kind === 'descriptors' ? [descriptors()] : []));
  const row = new Uint32Array(leading.reduce((sum, { length }) => sum + length, 0) + words.length);
  let at = 0;
  for (const values of leading) {
    row.set(new Uint32Array(values.buffer, values.byteOffset, values.length), at);
    at += values.length;
  }
  row.set(words, at);
  return row;
}

/**
 * Keys, ascending, each followed by its count. A key is RDKit's code; where several parts count, moved up by as many bits as number
 * them, with the part's number below: keys of different parts are never equal.
 */
function countedPairs(
  parts: readonly SimpleFeaturizer[],
  graph: MolecularGraph,
  isotopeShift: IsotopeShift,
): Uint32Array {
  const counting = parts.filter((part): part is Counts => natureOf(part) === 'counts');
  const tagBits = Math.ceil(Math.log2(counting.length));
  const keys = Uint32Array.from(
    counting.flatMap((part, tag) =>
      (part.kind === 'morgan-counts'
        ? morganEnvironments(graph, part.radius, isotopeShift)
        : atomPairs(graph)
      ).map((code) => (code << tagBits) | tag),
    ),
  ).sort();
  const pairs: number[] = [];
  for (const key of keys) {
    if (pairs.at(-2) === key) pairs[pairs.length - 1]!++;
    else pairs.push(key, 1);
  }
  return Uint32Array.from(pairs);
}

function fixed(mol: RdkitMol, spec: FeaturizerSpec, descriptors: () => Float32Array): SingleRow {
  const { columns, layout } = featureShape(spec);
  const row = layout === 'bits' ? new Uint8Array(columns / 8) : new Float32Array(columns);
  let at = 0;
  for (const part of simplePartsOf(spec)) {
    const values = part.kind === 'descriptors' ? descriptors() : packedBits(mol, part as Bits);
    if (layout === 'bits' || values instanceof Float32Array) row.set(values, at);
    else
      for (let bit = 0; bit < partColumns(part); bit++) row[at + bit] = (values[bit >> 3]! >> (bit & 7)) & 1;
    at += layout === 'bits' ? values.length : partColumns(part);
  }
  return row;
}
