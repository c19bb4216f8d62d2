import { readGraph, type GraphAtom as Atom } from './rdkit-graph';
import { atomTokens, StructureProblem, type AtomToken } from './structure-text';

/** Valences that an element has when it is neutral. An element that is not here never gains or loses a proton. */
const NEUTRAL_VALENCES: Readonly<Record<number, readonly number[]>> = {
  6: [4], // C
  7: [3], // N
  8: [2], // O
  9: [1], // F
  14: [4], // Si
  15: [3, 5], // P
  16: [2, 4, 6], // S
  17: [1], // Cl
  33: [3, 5], // As
  34: [2, 4, 6], // Se
  35: [1], // Br
  52: [2, 4, 6], // Te
  53: [1], // I
};
const CARBON = 6;
/** Anions of these, next to these, are acids: they keep their charge longest where a fixed cation has to be balanced. */
const ACID_CENTRES = new Set([6, 7, 15, 16, 17, 33, 34, 35, 53]);
const CHALCOGENS = new Set([8, 16]);

function canGainProton(atom: Atom): boolean {
  // A carbanion inside an aromatic ring (cyclopentadienyl) would lose its aromaticity: a different molecule, not a salt form.
  if (atom.z === CARBON && atom.aromatic) return false;
  return NEUTRAL_VALENCES[atom.z]?.includes(atom.valence + 1) ?? false;
}

function canLoseProton(atom: Atom): boolean {
  return atom.z !== CARBON && atom.hydrogens > 0 && NEUTRAL_VALENCES[atom.z] !== undefined;
}

function shiftProton(atom: Atom, by: 1 | -1): void {
  atom.hydrogens += by;
  atom.valence += by;
  atom.charge += by;
}

/** What of each atom's charge a neighbour's opposite charge answers (nitro, N-oxide, azide, ylide): that part is bonding, not ionisation. */
function bondedCharge(atoms: readonly Atom[]): number[] {
  const bonded = atoms.map(() => 0);
  atoms.forEach((atom, index) => {
    if (atom.charge <= 0) return;
    // In writing order: of the three O- of a phosphate drawn with P+ the first is the bond's, the others are acid.
    for (const { atom: other } of [...atom.neighbours].sort((a, b) => a.atom - b.atom)) {
      const room = Math.min(atom.charge - bonded[index]!, -(atoms[other]!.charge + bonded[other]!));
      if (room > 0) {
        bonded[index]! += room;
        bonded[other]! -= room;
      }
    }
  });
  return bonded;
}

/** An azole anion with three more aromatic nitrogens within two bonds: as strong an acid as a carboxylic one. */
function isTetrazole(atoms: readonly Atom[], atom: Atom): boolean {
  const near = new Set(
    atom.neighbours.flatMap(({ atom: next }) => [next, ...atoms[next]!.neighbours.map((n) => n.atom)]),
  );
  return [...near].filter((n) => atoms[n] !== atom && atoms[n]!.aromatic && atoms[n]!.z === 7).length >= 3;
}

function isAcidic(atoms: readonly Atom[], atom: Atom): boolean {
  if (atom.aromatic && atom.z === 7) return isTetrazole(atoms, atom);
  return (
    CHALCOGENS.has(atom.z) &&
    atom.neighbours.some(
      ({ atom: centre }) =>
        ACID_CENTRES.has(atoms[centre]!.z) &&
        atoms[centre]!.neighbours.some(
          ({ atom: other, order }) =>
            atoms[other] !== atom &&
            CHALCOGENS.has(atoms[other]!.z) &&
            (order === 2 || atoms[centre]!.charge > 0),
        ),
    )
  );
}

/**
 * Moves protons until the molecule is as neutral as protons can make it: anions gain one (weak acids first), then cations
 * lose one while a positive charge is left over. Anions that balance a cation without a proton to give (quaternary
 * ammonium) stay, and so do charges that are a way of writing a bond (nitro, N-oxide, azide). Never breaks or makes a bond
 * between heavy atoms and adds no hydride. The scheme is that of RDKit's Uncharger (protonation only).
 *
 * @param smiles canonical SMILES of one fragment, so that of equal sites the choice does not hang on how it was written
 * @param json RDKit's JSON of the same molecule parsed with removeHs off: atom i is the i-th atom in the text
 * @returns the SMILES with bracket atoms rewritten (not canonical), or null when nothing changes
 * @throws StructureProblem when an atom cannot be rewritten
 */
export function neutralise(smiles: string, json: string): string | null {
  const { atoms } = readGraph(json);
  const tokens = atomTokens(smiles);
  if (tokens.length !== atoms.length)
    throw new StructureProblem(`${tokens.length} atoms in the text of ${smiles}, ${atoms.length} parsed`);
  const before = atoms.map(({ charge }) => charge);
  const bonded = bondedCharge(atoms);
  const free = (index: number) => atoms[index]!.charge - bonded[index]!;
  const indices = atoms.map((_, index) => index);

  const anions = indices.filter((index) => free(index) < 0 && canGainProton(atoms[index]!));
  const acids = anions.filter((index) => isAcidic(atoms, atoms[index]!));
  const cations = indices.filter((index) => free(index) > 0 && canLoseProton(atoms[index]!));
  const fixed = indices
    .filter((index) => free(index) > 0 && !canLoseProton(atoms[index]!))
    .reduce((sum, index) => sum + free(index), 0);
  // Anions that cannot be protonated (tetrafluoroborate-like) already answer for some of the fixed charge.
  const stubborn = indices
    .filter((index) => free(index) < 0 && !anions.includes(index))
    .reduce((sum, index) => sum - free(index), 0);

  let surplus = anions.reduce((sum, index) => sum - free(index), 0) - Math.max(0, fixed - stubborn);
  for (const index of [...anions.filter((index) => !acids.includes(index)), ...acids]) {
    while (surplus > 0 && free(index) < 0 && canGainProton(atoms[index]!)) {
      shiftProton(atoms[index]!, 1);
      surplus--;
    }
  }
  let net = atoms.reduce((sum, { charge }) => sum + charge, 0);
  for (const index of cations) {
    while (net > 0 && free(index) > 0 && canLoseProton(atoms[index]!)) {
      shiftProton(atoms[index]!, -1);
      net--;
    }
  }
  if (atoms.every(({ charge }, index) => charge === before[index])) return null;
  return rewrite(smiles, tokens, (index) => (atoms[index]!.charge === before[index] ? null : atoms[index]!));
}

const BRACKET_ATOM = /^\[(\d*)([A-Z][a-z]?|[a-z]{1,2}|\*)(@{0,2})(?:H\d*)?(?:[+-]+\d*)?\]$/;

function rewrite(
  smiles: string,
  tokens: readonly AtomToken[],
  changed: (index: number) => Atom | null,
): string {
  let text = '';
  let at = 0;
  tokens.forEach((token, index) => {
    const atom = changed(index);
    if (!atom) return;
    const match = BRACKET_ATOM.exec(token.text);
    if (!match) throw new StructureProblem(`cannot rewrite the atom ${token.text} of ${smiles}`);
    const [, isotope, symbol, chirality] = match;
    const hydrogens = atom.hydrogens === 0 ? '' : atom.hydrogens === 1 ? 'H' : `H${atom.hydrogens}`;
    const size = Math.abs(atom.charge);
    const charge = size === 0 ? '' : `${atom.charge > 0 ? '+' : '-'}${size === 1 ? '' : size}`;
    text += `${smiles.slice(at, token.start)}[${isotope}${symbol}${chirality}${hydrogens}${charge}]`;
    at = token.end;
  });
  return text + smiles.slice(at);
}
