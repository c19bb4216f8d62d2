import type { GraphRowAtom } from '../foundation';
import { outerElectrons } from './elements';
import { FIRST_DATIVE, type MolecularGraph, type PerceivedAtom } from './molecular-graph';

const HYDROGEN = 1;
/** From actinium on RDKit counts bonds only. */
const ACTINIUM = 89;
const OCTET = 8;
const BY_ORBITALS: readonly GraphRowAtom['hybridisation'][] = ['s', 's', 'sp', 'sp2', 'sp3', 'sp3d', 'sp3d2'];

/**
 * Hybridisation by RDKit's rules (Code/GraphMol/ConjugHybrid.cpp, setHybridization) once conjugation is known: from bonds and lone
 * pairs; four orbitals with a conjugated bond, and no four bonds, are sp2. Square-planar and higher stereo is not in the JSON and
 * counts as none.
 */
export function hybridisationOf(atom: PerceivedAtom, graph: MolecularGraph): GraphRowAtom['hybridisation'] {
  if (atom.atomicNumber === 0) return 'other';
  if (atom.tetrahedral && atom.degree === 4) return 'sp3';
  const orbitals = atom.atomicNumber < ACTINIUM ? bondsAndLonePairs(atom, graph) : atom.degree;
  if (orbitals === 4 && atom.degree <= 3 && atom.neighbours.some(({ bond }) => graph.bonds[bond]!.conjugated))
    return 'sp2';
  return BY_ORBITALS[orbitals] ?? 'other';
}

function bondsAndLonePairs(atom: PerceivedAtom, { bonds }: MolecularGraph): number {
  const given = atom.neighbours.filter(({ atom: other, bond }) => {
    const { code, end } = bonds[bond]!;
    return code >= FIRST_DATIVE && end === other;
  }).length;
  const degree = atom.degree - given;
  if (atom.atomicNumber <= HYDROGEN) return degree;
  const outer = outerElectrons(atom.atomicNumber);
  const free = outer - (atom.valence + atom.charge);
  if (atom.valence + outer - atom.charge >= OCTET) return degree + Math.trunc(free / 2);
  return degree + Math.trunc((free - atom.unpaired) / 2) + atom.unpaired;
}
