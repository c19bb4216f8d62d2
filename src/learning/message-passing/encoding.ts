import { TitrateError } from '../../contracts';
import { readGraphRow, type GraphRowAtom, type GraphRowBond } from '../../foundation';
import type { Encoding, FeatureRows } from '../ensemble';
import { atomInputs, bondInputs } from './atom-features';

/** Standardised descriptors are cut here, in standard deviations of the training set, so that no outlier rules. */
const CLIP = 10;
/** A spread that float32 cannot tell from rounding is none. */
const LEAST_SPREAD = 1e-6;

/** How the descriptors in front of a graph are standardised; the graph itself needs nothing that is learnt from the rows. */
export interface GraphEncoding extends Encoding {
  /** Descriptors that vary in the training rows, ascending. */
  readonly kept: Int32Array;
  /** One value a kept descriptor: input = (value - centre) / scale. */
  readonly centre: Float32Array;
  readonly scale: Float32Array;
}

/** Atoms, or bonds, that look alike to the network, and how: `inputs` of each kind, and a hash of it that no other row changes. */
export interface Kinds {
  readonly inputs: readonly (readonly number[])[];
  readonly hashes: readonly number[];
}

/** Molecules as batches are made of. Atoms are numbered within their molecule. */
export interface EncodedGraphs {
  readonly rows: number;
  /** Length rows + 1: where a molecule's atoms and bonds start. */
  readonly atomStarts: Int32Array;
  readonly bondStarts: Int32Array;
  /** By atom. */
  readonly atomKinds: Int32Array;
  /** By bond: its atoms and its kind. */
  readonly begins: Int32Array;
  readonly ends: Int32Array;
  readonly bondKinds: Int32Array;
  readonly atoms: Kinds;
  readonly bonds: Kinds;
  /** rows x kept descriptors. */
  readonly descriptors: Float32Array;
}

const asFloats = (words: Uint32Array) => new Float32Array(Uint32Array.from(words).buffer);

function descriptorsOf(features: FeatureRows, row: number): Float32Array {
  const { columns, offsets, data, moleculeIds } = features;
  const values = asFloats((data as Uint32Array).subarray(offsets![row], offsets![row]! + columns));
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return values;
  throw new TitrateError('numerical', {
    what: `Descriptor ${bad} is ${values[bad]}; a network needs finite numbers`,
    where: `molecule ${moleculeIds[row] ?? row}`,
    remedy: 'Leave the molecule out, or use a featurizer that is defined for it',
  });
}

/** @throws numerical when a descriptor is not a finite number */
export function learnEncoding(features: FeatureRows): GraphEncoding {
  const { rows, columns, layout } = features;
  const table = Array.from({ length: rows }, (_, row) => descriptorsOf(features, row));
  const kept: { column: number; centre: number; scale: number }[] = [];
  for (let column = 0; column < columns; column++) {
    const centre = table.reduce((sum, values) => sum + values[column]!, 0) / rows;
    const scale = Math.sqrt(table.reduce((sum, values) => sum + (values[column]! - centre) ** 2, 0) / rows);
    if (scale > LEAST_SPREAD * Math.abs(centre)) kept.push({ column, centre, scale });
  }
  return {
    layout,
    columns,
    kept: Int32Array.from(kept, ({ column }) => column),
    centre: Float32Array.from(kept, ({ centre }) => centre),
    scale: Float32Array.from(kept, ({ scale }) => scale),
  };
}

/** Numbers what comes by what the network sees of it. */
class KindList implements Kinds {
  readonly inputs: (readonly number[])[] = [];
  readonly hashes: number[] = [];
  private readonly known = new Map<string, number>();

  numberOf(inputs: readonly number[]): number {
    const key = inputs.join();
    const before = this.known.get(key);
    if (before !== undefined) return before;
    this.known.set(key, this.inputs.length);
    this.hashes.push(inputs.reduce(mix, inputs.length));
    return this.inputs.push(inputs) - 1;
  }
}

/** Mixes a number into a hash of 32 bits (the finaliser of MurmurHash3, Appleby 2011). */
export function mix(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ value ^ 0x9e3779b9, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * Molecules of a matrix with the encoding's columns.
 * @throws numerical when a descriptor is not a finite number
 */
export function encodeGraphs(features: FeatureRows, { kept, centre, scale }: GraphEncoding): EncodedGraphs {
  const { rows, columns } = features;
  const words = features.data as Uint32Array;
  const atomStarts = new Int32Array(rows + 1);
  const bondStarts = new Int32Array(rows + 1);
  const atoms = new KindList();
  const bonds = new KindList();
  const list = {
    atomKinds: [] as number[],
    begins: [] as number[],
    ends: [] as number[],
    bondKinds: [] as number[],
  };
  const descriptors = new Float32Array(rows * kept.length);
  for (let row = 0; row < rows; row++) {
    const graph = readGraphRow(words, features.offsets![row]! + columns);
    for (const atom of graph.atoms)
      list.atomKinds.push(atoms.numberOf(atomInputs(atom satisfies GraphRowAtom)));
    for (const bond of graph.bonds) {
      list.begins.push(bond.begin);
      list.ends.push(bond.end);
      list.bondKinds.push(bonds.numberOf(bondInputs(bond satisfies GraphRowBond)));
    }
    atomStarts[row + 1] = list.atomKinds.length;
    bondStarts[row + 1] = list.begins.length;
    if (columns === 0) continue;
    const values = descriptorsOf(features, row);
    kept.forEach((column, i) => {
      const value = (values[column]! - centre[i]!) / scale[i]!;
      descriptors[row * kept.length + i] = Math.max(-CLIP, Math.min(CLIP, value));
    });
  }
  return {
    rows,
    atomStarts,
    bondStarts,
    atomKinds: Int32Array.from(list.atomKinds),
    begins: Int32Array.from(list.begins),
    ends: Int32Array.from(list.ends),
    bondKinds: Int32Array.from(list.bondKinds),
    atoms,
    bonds,
    descriptors,
  };
}
