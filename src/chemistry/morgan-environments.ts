import { combine, hashOfList } from './hashing';
import type { MolecularGraph, PerceivedAtom } from './molecular-graph';

const HYDROGEN = 1;

/** Whole atomic mass units by which an isotope's mass exceeds its element's average, towards zero. */
export type IsotopeShift = (atomicNumber: number, isotope: number) => number;

/**
 * Codes of the circular environments of a molecule up to a radius, one for each (Rogers and Hahn 2010, J. Chem. Inf. Model. 50,
 * 742), by RDKit's algorithm (Code/GraphMol/Fingerprints/MorganGenerator.cpp): atom invariants with ring membership, bond types,
 * chirality off, an environment of the same bonds counted once.
 * @returns RDKit's own unfolded 32-bit codes, in no order
 */
export function morganEnvironments(
  { atoms, bonds }: MolecularGraph,
  radius: number,
  isotopeShift: IsotopeShift,
): number[] {
  let invariants = atoms.map((atom) => atomInvariant(atom, atoms, isotopeShift));
  const codes = [...invariants];
  const words = Math.ceil(bonds.length / 32);
  let reached = atoms.map(() => new Int32Array(words));
  const dead = atoms.map(({ neighbours }) => neighbours.length === 0);
  const seen = new Set<string>();
  for (let layer = 0; layer < radius; layer++) {
    // An atom that has died leaves 0 to its neighbours, as it does in RDKit.
    const next = atoms.map(() => 0);
    const nextReached = reached.map((set) => set.slice());
    const found: { readonly bonds: string; readonly code: number; readonly atom: number }[] = [];
    atoms.forEach(({ neighbours }, atom) => {
      if (dead[atom]) return;
      const own = nextReached[atom]!;
      const around = neighbours.map(({ atom: other, bond }) => {
        own[bond >>> 5]! |= 1 << (bond & 31);
        reached[other]!.forEach((word, i) => (own[i]! |= word));
        return { type: bonds[bond]!.code, invariant: invariants[other]! };
      });
      around.sort((a, b) => a.type - b.type || a.invariant - b.invariant);
      const code = around.reduce(
        (seed, { type, invariant }) => combine(seed, combine(combine(0, type), invariant)),
        combine(layer, invariants[atom]!),
      );
      next[atom] = code;
      found.push({ bonds: own.join(), code, atom });
    });
    // Of atoms that have reached the same bonds the smallest code stands for all.
    found.sort((a, b) => a.code - b.code || a.atom - b.atom);
    for (const environment of found) {
      if (seen.has(environment.bonds)) dead[environment.atom] = true;
      else {
        seen.add(environment.bonds);
        codes.push(environment.code);
      }
    }
    invariants = next;
    reached = nextReached;
  }
  return codes;
}

/** Hydrogens that are atoms of the graph count twice here, as neighbours and as hydrogens, as they do in RDKit. */
function atomInvariant(
  atom: PerceivedAtom,
  atoms: readonly PerceivedAtom[],
  isotopeShift: IsotopeShift,
): number {
  const shift = atom.isotope === 0 ? 0 : isotopeShift(atom.atomicNumber, atom.isotope);
  const besides = atom.neighbours.filter((neighbour) => atoms[neighbour.atom]!.atomicNumber === HYDROGEN);
  const hydrogens = atom.hydrogens + besides.length;
  const parts = [atom.atomicNumber, atom.degree, hydrogens, atom.charge >>> 0, shift >>> 0];
  return hashOfList(atom.inRing ? [...parts, 1] : parts);
}
