import { defaultValence, outerElectrons } from './elements';
import { bondSpan, type MolecularGraph, type PerceivedAtom } from './molecular-graph';

/** Elements up to neon: the rows of the periodic table in which every lone pair conjugates. */
const LAST_OF_SECOND_ROW = 10;

/**
 * Marks the conjugated bonds (aromatic ones are, already) by RDKit's rules (Code/GraphMol/ConjugHybrid.cpp, setConjugation):
 * about an atom that has electrons for a pi system, a multiple bond and the bond to another such atom conjugate.
 */
export function markConjugated({ atoms, bonds }: MolecularGraph): void {
  const candidates = atoms.map((atom) => isCandidate(atom, { atoms, bonds }));
  atoms.forEach(({ degree, neighbours }, centre) => {
    if (!candidates[centre] || degree < 2 || degree > 3) return;
    for (const { atom: near, bond: multiple } of neighbours) {
      const { order, type, end } = bonds[multiple]!;
      if (type !== 'aromatic' && bondSpan(order, end === centre) < 2) continue;
      if (!candidates[near]) continue;
      for (const { atom: other, bond } of neighbours) {
        if (bond === multiple || atoms[other]!.degree > 3 || !candidates[other]) continue;
        bonds[multiple]!.conjugated = true;
        bonds[bond]!.conjugated = true;
      }
    }
  });
}

/** Whether an atom can be part of a conjugated system; a neutral atom above its smallest valence cannot. */
function isCandidate(atom: PerceivedAtom, graph: MolecularGraph): boolean {
  const smallest = defaultValence(atom.atomicNumber);
  if (atom.charge === 0 && smallest >= 0 && atom.valence > smallest) return false;
  const outer = outerElectrons(atom.atomicNumber);
  const row = atom.atomicNumber <= LAST_OF_SECOND_ROW || (outer !== 5 && outer !== 6);
  return (row || (outer === 6 && atom.degree < 2)) && electronsToDonate(atom, graph) > 0;
}

/** Electrons that an atom can give a pi system (MolOps::countAtomElec); below 0 where it never takes part. */
function electronsToDonate(atom: PerceivedAtom, { bonds }: MolecularGraph): number {
  const valence = defaultValence(atom.atomicNumber);
  if (valence <= 1) return -1;
  const idle = atom.neighbours.filter(({ atom: other, bond }) => {
    const { order, begin } = bonds[bond]!;
    return bondSpan(order, begin === other) === 0;
  }).length;
  const degree = atom.degree - idle;
  if (degree > 3) return -1;
  const lonePairs = Math.max(0, outerElectrons(atom.atomicNumber) - valence - atom.charge);
  const electrons = valence - degree + lonePairs - atom.unpaired;
  return electrons > 1 && sharedElectrons(atom) > 1 ? 1 : electrons;
}

/** Bond orders above one, summed over an atom's bonds. */
export const sharedElectrons = ({ valence, degree }: PerceivedAtom): number => valence - degree;
