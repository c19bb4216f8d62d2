/**
 * Rows of the feature layout `graph`: a molecule as words (uint32), written by chemistry and read by learning. Raise the version
 * when a field moves or changes its meaning.
 *
 * A row is three words, version, atoms and bonds; two words an atom; one word a bond:
 * - atom, first word: atomic number (bits 0-7), bonds and hydrogens together (8-15), hydrogens (16-23), charge (24-31, two's
 *   complement);
 * - atom, second word: chirality (0-3), hybridisation (4-7), aromatic (8), in a ring (9), unpaired electrons (10-12), isotope
 *   (16-31, 0 where none is given);
 * - bond: first atom (0-11), second atom (12-23), type (24-27), conjugated (28), in a ring (29), stereo (30-31).
 * Atoms and bonds are in the order of the standard SMILES. Hydrogens are counted with their atom, and are atoms of their own
 * where they are isotopes or bridge.
 */
export const GRAPH_VERSION = 1;
const HEADER_WORDS = 3;
const ATOM_WORDS = 2;
const MAX_ATOMS = 1 << 12;
const MAX_UNPAIRED = 7;

/** CIP label, so that it does not depend on how the SMILES was written; `other`: a stereocentre without one. */
export const CHIRALITIES = ['none', 'R', 'S', 'other'] as const;
export const HYBRIDISATIONS = ['other', 's', 'sp', 'sp2', 'sp3', 'sp3d', 'sp3d2'] as const;
/** As RDKit perceives them; `aromatic` takes the place of single and double. */
export const BOND_TYPES = ['other', 'single', 'double', 'triple', 'aromatic', 'dative'] as const;
export const BOND_STEREO = ['none', 'E', 'Z', 'other'] as const;

export interface GraphRowAtom {
  readonly atomicNumber: number;
  /** Bonds to atoms of the graph and to hydrogens. */
  readonly degree: number;
  readonly hydrogens: number;
  readonly charge: number;
  readonly chirality: (typeof CHIRALITIES)[number];
  readonly hybridisation: (typeof HYBRIDISATIONS)[number];
  readonly aromatic: boolean;
  readonly inRing: boolean;
  readonly unpaired: number;
  /** Mass number; 0: the natural mixture. */
  readonly isotope: number;
}

export interface GraphRowBond {
  /** Atoms, by their place among the atoms. */
  readonly begin: number;
  readonly end: number;
  readonly type: (typeof BOND_TYPES)[number];
  readonly conjugated: boolean;
  readonly inRing: boolean;
  readonly stereo: (typeof BOND_STEREO)[number];
}

export interface GraphRow {
  readonly atoms: readonly GraphRowAtom[];
  readonly bonds: readonly GraphRowBond[];
}

/** @throws RangeError for a graph that does not fit the layout (4,096 atoms and more) */
export function writeGraphRow({ atoms, bonds }: GraphRow): Uint32Array {
  if (atoms.length >= MAX_ATOMS)
    throw new RangeError(`${atoms.length} atoms; a graph row holds ${MAX_ATOMS - 1}`);
  const words = new Uint32Array(HEADER_WORDS + ATOM_WORDS * atoms.length + bonds.length);
  words.set([GRAPH_VERSION, atoms.length, bonds.length]);
  let at = HEADER_WORDS;
  for (const atom of atoms) {
    words[at++] =
      atom.atomicNumber | (atom.degree << 8) | (atom.hydrogens << 16) | ((atom.charge & 0xff) << 24);
    words[at++] =
      CHIRALITIES.indexOf(atom.chirality) |
      (HYBRIDISATIONS.indexOf(atom.hybridisation) << 4) |
      (Number(atom.aromatic) << 8) |
      (Number(atom.inRing) << 9) |
      (Math.min(atom.unpaired, MAX_UNPAIRED) << 10) |
      (atom.isotope << 16);
  }
  for (const bond of bonds) {
    words[at++] =
      bond.begin |
      (bond.end << 12) |
      (BOND_TYPES.indexOf(bond.type) << 24) |
      (Number(bond.conjugated) << 28) |
      (Number(bond.inRing) << 29) |
      (BOND_STEREO.indexOf(bond.stereo) << 30);
  }
  return words;
}

/** How many atoms and bonds the graph at `from` has. */
export function graphRowSize(words: Uint32Array, from = 0): { atoms: number; bonds: number } {
  return { atoms: words[from + 1]!, bonds: words[from + 2]! };
}

/** What is wrong with the words of one graph; null where they are as {@link writeGraphRow} writes them. */
export function graphRowFault(words: Uint32Array): string | null {
  if (words.length < HEADER_WORDS) return `it has ${words.length} words`;
  if (words[0] !== GRAPH_VERSION)
    return `it is of version ${words[0]}, and version ${GRAPH_VERSION} is read here`;
  const { atoms, bonds } = graphRowSize(words);
  if (words.length !== HEADER_WORDS + ATOM_WORDS * atoms + bonds)
    return `${words.length} words do not hold ${atoms} atoms and ${bonds} bonds`;
  const firstBond = HEADER_WORDS + ATOM_WORDS * atoms;
  for (let at = HEADER_WORDS; at < firstBond; at += ATOM_WORDS) {
    const second = words[at + 1]!;
    if ((second & 0xf) >= CHIRALITIES.length || ((second >>> 4) & 0xf) >= HYBRIDISATIONS.length)
      return `atom ${(at - HEADER_WORDS) / ATOM_WORDS} has a chirality or hybridisation that there is not`;
  }
  for (let at = firstBond; at < words.length; at++) {
    const word = words[at]!;
    if (
      (word & 0xfff) >= atoms ||
      ((word >>> 12) & 0xfff) >= atoms ||
      ((word >>> 24) & 0xf) >= BOND_TYPES.length
    )
      return `bond ${at - firstBond} is between atoms, or of a type, that there is not`;
  }
  return null;
}

/** The graph that starts at word `from`; the words are taken to be sound (see {@link graphRowFault}). */
export function readGraphRow(words: Uint32Array, from = 0): GraphRow {
  const size = graphRowSize(words, from);
  const firstAtom = from + HEADER_WORDS;
  const firstBond = firstAtom + ATOM_WORDS * size.atoms;
  const atoms = Array.from({ length: size.atoms }, (_, i): GraphRowAtom => {
    const [first, second] = [words[firstAtom + ATOM_WORDS * i]!, words[firstAtom + ATOM_WORDS * i + 1]!];
    return {
      atomicNumber: first & 0xff,
      degree: (first >>> 8) & 0xff,
      hydrogens: (first >>> 16) & 0xff,
      charge: first >> 24,
      chirality: CHIRALITIES[second & 0xf]!,
      hybridisation: HYBRIDISATIONS[(second >>> 4) & 0xf]!,
      aromatic: ((second >>> 8) & 1) === 1,
      inRing: ((second >>> 9) & 1) === 1,
      unpaired: (second >>> 10) & MAX_UNPAIRED,
      isotope: second >>> 16,
    };
  });
  const bonds = Array.from({ length: size.bonds }, (_, i): GraphRowBond => {
    const word = words[firstBond + i]!;
    return {
      begin: word & 0xfff,
      end: (word >>> 12) & 0xfff,
      type: BOND_TYPES[(word >>> 24) & 0xf]!,
      conjugated: ((word >>> 28) & 1) === 1,
      inRing: ((word >>> 29) & 1) === 1,
      stereo: BOND_STEREO[word >>> 30]!,
    };
  });
  return { atoms, bonds };
}
