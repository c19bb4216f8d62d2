import { readGraph, type GraphAtom } from './rdkit-graph';
import { atomParts, bracketAtom, parseSmilesTree, writeSmiles } from './smiles-tree';

const [BORON, CARBON, NITROGEN, OXYGEN, PHOSPHORUS, SULPHUR] = [5, 6, 7, 8, 15, 16];
const HALOGENS = new Set([17, 35, 53]);

/**
 * Strength of the acid at an atom that bears a hydrogen, strongest first; null where it is none. The order is RDKit's table of
 * acid-base pairs (Code/GraphMol/MolStandardize/AcidBaseCatalog, from the FDA's Substance Registration System); what the table
 * leaves out (diesters of phosphoric acid, tetrazole, imides, substituted sulphonamides, hydroxyls of other kinds) is put beside its like.
 */
function acidity(atoms: readonly GraphAtom[], index: number): number | null {
  const atom = atoms[index]!;
  if (atom.charge !== 0 || atom.hydrogens === 0) return null;
  const centres = atom.neighbours.map(({ atom: other }) => atoms[other]!);
  if (atom.z === NITROGEN) return nitrogenAcidity(atoms, atom, centres);
  if (atom.z !== OXYGEN && atom.z !== SULPHUR) return null;
  const [centre] = centres;
  if (!centre || centres.length > 1) return null;
  const around = centre.neighbours.map(({ atom: other, order }) => ({ atom: atoms[other]!, order }));
  const oxo = around.filter(
    ({ atom: { z, charge }, order }) =>
      (z === OXYGEN || z === SULPHUR) && (order === 2 || (charge < 0 && centre.charge > 0)),
  ).length;
  const ester = around.some(({ atom: other, order }) => other !== atom && other.z === OXYGEN && order === 1);
  if (HALOGENS.has(centre.z)) return 0;
  if (centre.z === SULPHUR || centre.z > 33) {
    if (oxo >= 2) return ester ? 0 : 1;
    return oxo === 1 ? (ester ? 2 : 3) : 18;
  }
  if (centre.z === PHOSPHORUS) {
    // The second proton of a phosphate is a weaker acid than a carboxylic one.
    const ionised = around.some(({ atom: { charge } }) => charge < 0 && centre.charge <= 0);
    const hydroxyls = around.filter(({ atom: { z, hydrogens } }) => z === OXYGEN && hydrogens > 0).length;
    return ionised ? (ester ? 8 : 9) : hydroxyls > 1 ? (ester ? 4.5 : 5) : 4;
  }
  if (centre.z === NITROGEN && oxo >= 1) return 1;
  if (centre.z === BORON) return ester ? 14 : 15;
  if (centre.z === CARBON && oxo >= 1) return 6;
  if (centre.aromatic) return atom.z === SULPHUR ? 7 : 16;
  if (atom.z === SULPHUR) return 17;
  return centre.z === CARBON && centre.neighbours.every(({ order }) => order === 1) ? 23 : 16.5;
}

function nitrogenAcidity(
  atoms: readonly GraphAtom[],
  atom: GraphAtom,
  centres: readonly GraphAtom[],
): number | null {
  const acyl = (z: number, count: number) =>
    centres.filter(
      (centre) =>
        centre.z === z &&
        centre.neighbours.filter(({ atom: o, order }) => order === 2 && atoms[o]!.z === OXYGEN).length >=
          count,
    ).length;
  if (atom.aromatic) {
    const near = new Set(
      centres.flatMap((centre) => [centre, ...centre.neighbours.map((n) => atoms[n.atom]!)]),
    );
    const nitrogens = [...near].filter(
      (other) => other !== atom && other.aromatic && other.z === NITROGEN,
    ).length;
    if (nitrogens >= 3) return 6.5;
    // A ring's imide or lactam; an azole; a pyrrole or indole, weaker than an alcohol.
    return acyl(CARBON, 1) > 0 ? 12 : nitrogens > 0 ? 22 : 24;
  }
  if (acyl(CARBON, 1) >= 2) return 10;
  if (acyl(SULPHUR, 2) >= 1) return 13;
  if (acyl(CARBON, 1) === 1) return 21;
  return 29;
}

/** How many protons are left to move, and the molecule with all of them in place. */
export interface Protonated {
  readonly smiles: string;
  readonly protons: number;
}

/** Whether the anion is an acid's: what it becomes with its proton is one that acidity() knows. */
const isAcidAnion = ({ z, charge, aromatic }: GraphAtom) =>
  charge === -1 && (z === OXYGEN || z === SULPHUR || (z === NITROGEN && !(aromatic && charge < -1)));

/**
 * First half: every acid anion of a molecule that has to keep some (they balance a cation without a proton to give) gets its proton.
 * @param json RDKit's JSON of the text parsed with removeHs off
 * @returns null when there is none, or a single site could bear the charge
 */
export function protonateAcids(smiles: string, json: string): Protonated | null {
  const { atoms } = readGraph(json);
  // A charge next to an opposite one writes a bond (N-oxide, nitro, ylide).
  const free = atoms.map(
    (atom) => isAcidAnion(atom) && !atom.neighbours.some(({ atom: other }) => atoms[other]!.charge > 0),
  );
  const protons = free.filter(Boolean).length;
  const fixed = atoms.some(
    ({ charge, hydrogens, neighbours }) =>
      charge > 0 && hydrogens === 0 && !neighbours.some(({ atom: other }) => atoms[other]!.charge < 0),
  );
  if (protons === 0 || !fixed) return null;
  atoms.forEach((atom, index) => {
    if (!free[index]) return;
    atom.charge = 0;
    atom.hydrogens++;
  });
  const sites = atoms.filter((_, index) => acidity(atoms, index) !== null).length;
  if (sites <= protons || atoms.some((_, index) => free[index] && acidity(atoms, index) === null))
    return null;
  return { smiles: rewrite(smiles, atoms, (index) => free[index]!), protons };
}

/**
 * Second half: as many protons go again, each from the strongest acid that is left, of equals from the first in the text.
 * @param smiles canonical SMILES of the protonated molecule, so that the choice does not hang on where the charges were drawn
 */
export function deprotonateAcids(smiles: string, json: string, protons: number): string {
  const { atoms } = readGraph(json);
  const touched = new Set<number>();
  for (let i = 0; i < protons; i++) {
    let best = -1;
    let strongest = Infinity;
    atoms.forEach((_, index) => {
      const strength = acidity(atoms, index);
      if (strength === null || strength >= strongest) return;
      strongest = strength;
      best = index;
    });
    if (best < 0) break;
    atoms[best]!.charge = -1;
    atoms[best]!.hydrogens--;
    touched.add(best);
  }
  return rewrite(smiles, atoms, (index) => touched.has(index));
}

function rewrite(smiles: string, atoms: readonly GraphAtom[], changed: (index: number) => boolean): string {
  return writeSmiles(parseSmilesTree(smiles), {
    atomText: (index, text) => {
      if (!changed(index)) return text;
      const { hydrogens, charge } = atoms[index]!;
      return bracketAtom({ ...atomParts(text), chirality: '' }, hydrogens, charge);
    },
  });
}
