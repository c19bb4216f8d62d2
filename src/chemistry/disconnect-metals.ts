import { readGraph, type GraphAtom, type MoleculeGraph } from './rdkit-graph';
import { atomParts, bracketAtom, parseSmilesTree, writeSmiles } from './smiles-tree';

/**
 * RDKit's MetalDisconnector (Code/GraphMol/MolStandardize/Metal.cpp, release 2026.09.1, default options): bonds of any metal to
 * N, O and F are cut, bonds of transition metals and aluminium also to B, C (not aromatic), Si, P, As, Sb, S, Se, Te and the other
 * halogens. So Grignard reagents, alkyl tin, lead and mercury and aryl-metal bonds stay.
 */
const ANY_METAL = symbols(
  'Li Na K Rb Cs Fr Be Mg Ca Sr Ba Ra Sc Ti V Cr Mn Fe Co Ni Cu Zn Al Ga Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi',
);
const TRANSITION_METAL = symbols(
  'Al Sc Ti V Cr Mn Fe Co Ni Cu Zn Y Zr Nb Mo Tc Ru Rh Pd Ag Cd Hf Ta W Re Os Ir Pt Au',
);
const LIGAND_OF_ANY = symbols('N O F');
const LIGAND_OF_TRANSITION_METAL = symbols('B C Si P As Sb S Se Te Cl Br I At');
/** Of these only the atoms outside aromatic rings count, as RDKit's SMARTS has them. */
const ALIPHATIC_ONLY = symbols('B C P S');

const IN_A_MOLECULE = new RegExp(`\\[\\d*(?:${[...ANY_METAL].join('|')})(?![a-z])`);
const ALONE = /^\[[^\]]*\]$/;

/** RDKit's valence lists (PeriodicTable, 2026.09.1) of the elements that lose a bond here. */
const LIGAND_VALENCES: Readonly<Record<string, readonly number[]>> = {
  B: [3],
  C: [4],
  N: [3],
  O: [2],
  F: [1],
  Si: [4],
  P: [3, 5],
  As: [3, 5],
  Sb: [3, 5],
  S: [2, 4, 6],
  Se: [2, 4, 6],
  Te: [2, 4, 6],
  Cl: [1],
  Br: [1],
  I: [1, 3, 5],
  At: [1, 3, 5],
};
/** The largest charge that RDKit gives a metal; a metal that is not here has no bound. */
const LARGEST_CHARGE: Readonly<Record<string, number>> = {
  Cs: 1,
  Fr: 1,
  Be: 2,
  Al: 3,
  Ga: 3,
  In: 3,
  Sn: 4,
  Pb: 4,
  Bi: 5,
};
/** A metal that has reached this charge takes no more. */
const KEEPS_CHARGE_FROM: Readonly<Record<string, number>> = {
  ...LARGEST_CHARGE,
  Li: 1,
  Na: 1,
  K: 1,
  Rb: 1,
  Mg: 2,
  Ca: 2,
  Sr: 2,
  Ba: 2,
  Ra: 2,
};

const FIRST_DATIVE_ORDER = 17;

interface Cut {
  readonly metal: number;
  readonly ligand: number;
  /** 0 for a dative bond: its electrons are the ligand's already. */
  readonly order: number;
}

function symbols(list: string): Set<string> {
  return new Set(list.split(' '));
}

/** Whether a SMILES has a metal bonded to something; free ions need no disconnecting. */
export function hasBondedMetal(smiles: string): boolean {
  if (!IN_A_MOLECULE.test(smiles)) return false;
  return smiles.split('.').some((part) => !ALONE.test(part) && IN_A_MOLECULE.test(part));
}

/**
 * Cuts the bonds of metals and gives the ends the charges that RDKit gives them: the ligand what its usual valence asks for, the
 * metal what its ligands took. Stereo marks of the ends go, all others stay.
 *
 * @param smiles any spelling; what is bonded to a metal is written in brackets
 * @param json RDKit's JSON of the same text parsed with removeHs off
 * @returns the SMILES in more components (not canonical), or null when there is nothing to cut
 * @throws StructureProblem when an atom cannot be rewritten
 */
export function disconnectMetals(smiles: string, json: string): string | null {
  const tree = parseSmilesTree(smiles);
  const element = tree.atoms.map(({ text }) => {
    const { symbol } = atomParts(text);
    return symbol[0]!.toUpperCase() + symbol.slice(1);
  });
  const graph = readGraph(json);
  const cuts = findCuts(graph, element);
  if (cuts.length === 0) return null;
  adjustCharges(graph, element, cuts);
  const ends = new Set(cuts.flatMap(({ metal, ligand }) => [metal, ligand]));
  const gone = new Set(cuts.map(({ metal, ligand }) => bondKey(metal, ligand)));
  return writeSmiles(tree, {
    keepsBond: (a, b) => !gone.has(bondKey(a, b)),
    atomText: (index, text) => {
      if (!ends.has(index)) return text;
      const { hydrogens, charge } = graph.atoms[index]!;
      return bracketAtom({ ...atomParts(text), chirality: '' }, hydrogens, charge);
    },
  });
}

const bondKey = (a: number, b: number) => (a < b ? `${a}-${b}` : `${b}-${a}`);

function findCuts({ atoms, bonds }: MoleculeGraph, element: readonly string[]): Cut[] {
  const isCut = (metal: number, ligand: number) => {
    const [m, l] = [element[metal]!, element[ligand]!];
    if (ANY_METAL.has(m) && LIGAND_OF_ANY.has(l)) return true;
    const free = !(atoms[ligand]!.aromatic && ALIPHATIC_ONLY.has(l));
    return TRANSITION_METAL.has(m) && LIGAND_OF_TRANSITION_METAL.has(l) && free;
  };
  return bonds.flatMap(({ a, b, order }) => {
    const cut = { order: order >= FIRST_DATIVE_ORDER ? 0 : order };
    if (isCut(a, b)) return [{ metal: a, ligand: b, ...cut }];
    if (isCut(b, a)) return [{ metal: b, ligand: a, ...cut }];
    return [];
  });
}

/** The valence as RDKit counts it before the cut: a dative bond counts for the atom that receives it only. */
function totalValence({ bonds, atoms }: MoleculeGraph, index: number): number {
  return bonds.reduce((sum, { a, b, order }) => {
    if (a !== index && b !== index) return sum;
    if (order < FIRST_DATIVE_ORDER) return sum + order;
    return b === index ? sum + 1 : sum;
  }, atoms[index]!.hydrogens);
}

function adjustCharges(graph: MoleculeGraph, element: readonly string[], cuts: readonly Cut[]): void {
  const excess = new Map<number, number>(cuts.map(({ metal }) => [metal, 0]));
  const ligands = [...new Set(cuts.map(({ ligand }) => ligand))].sort((a, b) => a - b);
  for (const index of ligands) {
    const own = cuts.filter(({ ligand }) => ligand === index);
    const taken = adjustLigand(graph, index, element[index]!, own);
    // The metals that have given least give first.
    const metals = [...new Set(own.map(({ metal }) => metal))].sort((a, b) => a - b);
    metals.sort((a, b) => excess.get(a)! - excess.get(b)!);
    for (let i = 0; i < taken; i++) {
      const metal = metals[i % metals.length]!;
      excess.set(metal, excess.get(metal)! + 1);
    }
  }
  for (const [metal, given] of excess) adjustMetal(graph.atoms[metal]!, element[metal]!, given);
}

/** @returns the electrons that the ligand took from its metals */
function adjustLigand(graph: MoleculeGraph, index: number, symbol: string, cuts: readonly Cut[]): number {
  const atom = graph.atoms[index]!;
  const cutBonds = cuts.reduce((sum, { order }) => sum + order, 0);
  const degree = atom.neighbours.length - cuts.length + atom.hydrogens;
  let charge = -cutBonds;
  let loneElectrons = 0;
  const valences = LIGAND_VALENCES[symbol]!;
  let after = totalValence(graph, index) + atom.radicals - cutBonds;
  const usual = valences.find((valence) => after <= valence);
  if (usual === undefined) {
    after = valences.at(-1)!;
  } else {
    charge = after - usual;
    // A radical before the cut: a carbene-like ligand (metal-[C]=O).
    if (atom.radicals % 2 === 1 && charge < 0) {
      charge++;
      loneElectrons++;
    }
  }
  // No negative charge on an sp2 atom: it is a lone pair's bond that was drawn. Its shell closes without the hydrogen that the
  // drawing gave it (thiourea as C=[SH]-M), or with one in the metal's place.
  if (charge === -1 && after === degree + 1) {
    charge = 0;
    atom.hydrogens += atom.hydrogens > 0 && valences.includes(after - 1) ? -1 : 1;
  }
  atom.charge = charge;
  const dative = cutBonds === 0 || (charge === -1 && symbol === 'C' && after === degree + 2);
  return Math.max(0, -((dative ? 0 : charge) + loneElectrons));
}

function adjustMetal(atom: GraphAtom, symbol: string, given: number): void {
  if (atom.charge >= (KEEPS_CHARGE_FROM[symbol] ?? Infinity)) return;
  const charge = Math.min(given + Math.max(0, atom.charge), LARGEST_CHARGE[symbol] ?? Infinity);
  atom.charge = Math.max(atom.charge, charge);
  atom.hydrogens = 0;
}
