import { sharedElectrons } from './conjugation';
import type { MolecularGraph, PerceivedAtom } from './molecular-graph';

/** RDKit's codes (Code/GraphMol/Fingerprints/AtomPairGenerator.h): elements with a number of their own, all others share the last. */
const TYPES = [5, 6, 7, 8, 9, 14, 15, 16, 17, 33, 34, 35, 51, 52, 53];
const OTHER_TYPE = 15;
const BRANCH_BITS = 3;
const PI_BITS = 2;
const TYPE_BITS = 4;
const DISTANCE_BITS = 5;
const MAX_BRANCHES = (1 << BRANCH_BITS) - 1;
const MAX_PI = (1 << PI_BITS) - 1;
/** Bonds; pairs further apart are not counted. */
const MAX_DISTANCE = (1 << DISTANCE_BITS) - 2;

/**
 * Codes of the atom pairs of a molecule, one for each two atoms (Carhart, Smith and Venkataraghavan 1985, J. Chem. Inf. Comput.
 * Sci. 25, 64): element, neighbours and pi electrons of both, and the bonds between them along the shortest way, 1 to 30.
 * @returns RDKit's own unfolded codes of 23 bits, in no order
 */
export function atomPairs(graph: MolecularGraph): number[] {
  const { atoms } = graph;
  const codes = atoms.map(atomCode);
  const pairs: number[] = [];
  const distances = new Int32Array(atoms.length);
  const queue = new Int32Array(atoms.length);
  for (let first = 0; first < atoms.length; first++) {
    distances.fill(-1);
    distances[first] = 0;
    queue[0] = first;
    for (let head = 0, tail = 1; head < tail; head++) {
      const at = queue[head]!;
      const distance = distances[at]!;
      if (at > first) {
        const [low, high] =
          codes[at]! < codes[first]! ? [codes[at]!, codes[first]!] : [codes[first]!, codes[at]!];
        pairs.push(
          distance | (low << DISTANCE_BITS) | (high << (DISTANCE_BITS + BRANCH_BITS + PI_BITS + TYPE_BITS)),
        );
      }
      if (distance === MAX_DISTANCE) continue;
      for (const { atom } of atoms[at]!.neighbours) {
        if (distances[atom]! >= 0) continue;
        distances[atom] = distance + 1;
        queue[tail++] = atom;
      }
    }
  }
  return pairs;
}

function atomCode(atom: PerceivedAtom): number {
  const type = TYPES.indexOf(atom.atomicNumber);
  return (
    (atom.neighbours.length % MAX_BRANCHES) |
    ((piElectrons(atom) % MAX_PI) << BRANCH_BITS) |
    ((type < 0 ? OTHER_TYPE : type) << (BRANCH_BITS + PI_BITS))
  );
}

function piElectrons(atom: PerceivedAtom): number {
  if (atom.aromatic) return 1;
  return atom.hybridisation === 'sp3' ? 0 : sharedElectrons(atom);
}
