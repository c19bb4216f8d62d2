import type { GraphRow } from '../foundation';

type RowAtom = GraphRow['atoms'][number];
type RowBond = GraphRow['bonds'][number];
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** An atom with what the graph row keeps of it and what environments, pairs and conjugation are derived from. */
export interface PerceivedAtom extends Writable<RowAtom> {
  /** Bonds to other atoms of the graph. */
  readonly neighbours: { readonly atom: number; readonly bond: number }[];
  /** Sum of the orders of the bonds, as Kekulé wrote them, and of the hydrogens; a dative bond counts at its end only. */
  valence: number;
  /** Whether RDKit keeps a tetrahedral tag on it. */
  readonly tetrahedral: boolean;
}

export interface PerceivedBond extends Writable<RowBond> {
  /** RDKit's number of the bond type: 1, 2, 3, 12 for aromatic, from 17 on for the dative kinds. */
  readonly code: number;
  /** Order in the Kekulé form. */
  readonly order: number;
}

/** A molecule as RDKit perceived it; a {@link GraphRow} with more besides. */
export interface MolecularGraph {
  readonly atoms: readonly PerceivedAtom[];
  readonly bonds: readonly PerceivedBond[];
}

/** Numbers of bond types from here on are the dative kinds. */
export const FIRST_DATIVE = 17;
const QUADRUPLE = 4;

/** What a bond adds to the valence of one of its ends; only the end of a dative bond gains. */
export function bondSpan(order: number, isEnd: boolean): number {
  if (order < FIRST_DATIVE) return order <= QUADRUPLE ? order : 0;
  return isEnd ? 1 : 0;
}
