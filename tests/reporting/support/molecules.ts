import { createRandom, sha256 } from '../../../src/foundation';

/** Substituents, each with what it adds to the invented property; written so that a template can hold them. */
const R1: [string, number][] = [
  ['C', 0.1],
  ['CC', -0.2],
  ['CO', 0.5],
  ['FC(F)(F)', -0.9],
  ['CN(C)', 0.9],
  ['N#C', 0.3],
  ['CC(C)', -0.5],
  ['OC(=O)', 1.2],
  ['Cl', -0.6],
  ['CS(=O)(=O)', 0.8],
];
const CORES: [(a: string, b: string) => string, number][] = [
  [(a, b) => `${a}c1ccc(${b})cc1`, 0],
  [(a, b) => `${a}c1ccnc(${b})c1`, 0.9],
  [(a, b) => `${a}c1csc(${b})n1`, -0.3],
  [(a, b) => `${a}c1ccc2[nH]c(${b})cc2c1`, -0.8],
  [(a, b) => `${a}c1cc(${b})on1`, 0.5],
  [(a, b) => `${a}C1CCN(${b})CC1`, 1.1],
];
const R2: [string, number][] = [
  ['C(=O)N', 0.9],
  ['C(=O)NC3CC3', 0.2],
  ['C(=O)N3CCOCC3', 0.6],
  ['CC(=O)OCC', -0.4],
  ['c3ccccc3', -1.4],
  ['C(=O)Nc3ccc(F)cc3', -1.1],
  ['S(=O)(=O)C', 0.5],
  ['CN3CCN(C)CC3', 1.0],
  ['CCCCCC', -1.8],
  ['CC(C)(C)O', 0.4],
];

export interface InventedMolecule {
  readonly moleculeId: string;
  readonly smiles: string;
  /** Of an invented property that groups contribute to; some noise on top. */
  readonly value: number;
}

export const idOf = (smiles: string) => `mol_${sha256(smiles).slice(0, 32)}`;

/** Up to 600 drug-like molecules with an additive property, in an order of their own. */
export function inventPool(size: number, seed: number): InventedMolecule[] {
  const random = createRandom(seed);
  const all = CORES.flatMap(([core, c]) =>
    R1.flatMap(([a, va]) =>
      R2.map(([b, vb]): InventedMolecule => {
        const smiles = core(a, b);
        return { moleculeId: idOf(smiles), smiles, value: -3 + c + va + vb + 0.35 * random.normal() };
      }),
    ),
  );
  return random.shuffle(all).slice(0, size);
}
