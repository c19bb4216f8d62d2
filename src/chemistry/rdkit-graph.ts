/** RDKit's JSON (CommonChem); absent fields take the defaults carbon, 0, 0, 0, 0, single, unspecified. */
interface CommonChem {
  readonly molecules: readonly [JsonMolecule];
}

export interface JsonMolecule {
  readonly atoms: readonly {
    readonly z?: number;
    readonly impHs?: number;
    readonly chg?: number;
    readonly nRad?: number;
    readonly isotope?: number;
    readonly stereo?: string;
  }[];
  readonly bonds: readonly {
    readonly bo?: number;
    readonly atoms: readonly [number, number];
    readonly stereo?: string;
    /** The neighbours, one of either end, that `stereo` ('cis', 'trans') speaks of. */
    readonly stereoAtoms?: readonly [number, number];
  }[];
  readonly extensions?: readonly JsonExtension[];
}

/** What RDKit perceived, in the extension `rdkitRepresentation`; lists are of atom or bond numbers. */
export interface JsonExtension {
  readonly name: string;
  readonly aromaticAtoms?: readonly number[];
  readonly aromaticBonds?: readonly number[];
  /** Atoms around each ring of the smallest set. */
  readonly atomRings?: readonly (readonly number[])[];
  /** By atom; equal for atoms that CIP rules cannot tell apart. */
  readonly cipRanks?: readonly number[];
  readonly cipCodes?: readonly (readonly [atom: number, code: string])[];
}

export const CARBON = 6;

/** @param json `get_json()` of a molecule */
export function readJson(json: string): JsonMolecule {
  return (JSON.parse(json) as CommonChem).molecules[0];
}

export const perceived = ({ extensions }: JsonMolecule): JsonExtension | undefined =>
  extensions?.find(({ name }) => name === 'rdkitRepresentation');

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
  const molecule = readJson(json);
  const aromatic = new Set(perceived(molecule)?.aromaticAtoms);
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
