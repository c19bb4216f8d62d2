/** The part of RDKit's JSON (CommonChem) that the rules need; absent fields take the defaults carbon, 0, 0, 0, single. */
interface CommonChem {
  readonly molecules: readonly [
    {
      readonly atoms: readonly {
        readonly z?: number;
        readonly impHs?: number;
        readonly chg?: number;
        readonly nRad?: number;
      }[];
      readonly bonds: readonly { readonly bo?: number; readonly atoms: readonly [number, number] }[];
      readonly extensions?: readonly { readonly name: string; readonly aromaticAtoms?: readonly number[] }[];
    },
  ];
}

const CARBON = 6;

export interface GraphAtom {
  readonly z: number;
  charge: number;
  hydrogens: number;
  /** Sum of the orders of its bonds (Kekulé) and its hydrogens. */
  valence: number;
  readonly radicals: number;
  readonly aromatic: boolean;
  readonly neighbours: { readonly atom: number; readonly order: number }[];
}

/** A bond as the JSON has it: `order` 1, 2, 3 or a code from 17 on for the dative kinds, from atom `a` to atom `b`. */
export interface GraphBond {
  readonly a: number;
  readonly b: number;
  readonly order: number;
}

export interface MoleculeGraph {
  readonly atoms: GraphAtom[];
  readonly bonds: readonly GraphBond[];
}

/** @param json `get_json()` of a molecule parsed with removeHs off: atom i is the i-th atom in its SMILES. */
export function readGraph(json: string): MoleculeGraph {
  const [molecule] = (JSON.parse(json) as CommonChem).molecules;
  const aromatic = new Set(
    molecule.extensions?.find(({ name }) => name === 'rdkitRepresentation')?.aromaticAtoms,
  );
  const atoms: GraphAtom[] = molecule.atoms.map(({ z = CARBON, impHs = 0, chg = 0, nRad = 0 }, index) => ({
    z,
    charge: chg,
    hydrogens: impHs,
    valence: impHs,
    radicals: nRad,
    aromatic: aromatic.has(index),
    neighbours: [],
  }));
  const bonds = molecule.bonds.map(({ bo: order = 1, atoms: [a, b] }) => {
    atoms[a]!.neighbours.push({ atom: b, order });
    atoms[b]!.neighbours.push({ atom: a, order });
    atoms[a]!.valence += order;
    atoms[b]!.valence += order;
    return { a, b, order };
  });
  return { atoms, bonds };
}
