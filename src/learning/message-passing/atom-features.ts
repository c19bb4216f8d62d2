import {
  BOND_STEREO,
  BOND_TYPES,
  CHIRALITIES,
  HYBRIDISATIONS,
  type GraphRowAtom,
  type GraphRowBond,
} from '../../foundation';

/** Elements with an input of their own: hydrogen to krypton, and iodine; all others share one. As chemprop 2 has them. */
const LAST_ELEMENT = 36;
const IODINE = 53;
const ELEMENTS = LAST_ELEMENT + 2;
const MAX_DEGREE = 5;
const MAX_HYDROGENS = 4;
/** Charges from -2 to 2 have inputs of their own. */
const MAX_CHARGE = 2;

/** Positions where one-hot groups start. */
const DEGREE = ELEMENTS;
const CHARGE = DEGREE + MAX_DEGREE + 2;
const CHIRALITY = CHARGE + 2 * MAX_CHARGE + 2;
const HYDROGENS = CHIRALITY + CHIRALITIES.length;
const HYBRIDISATION = HYDROGENS + MAX_HYDROGENS + 2;
const AROMATIC = HYBRIDISATION + HYBRIDISATIONS.length;
const IN_RING = AROMATIC + 1;
const UNPAIRED = IN_RING + 1;
const ISOTOPE = UNPAIRED + 1;

/** Inputs of an atom. */
export const ATOM_INPUTS = ISOTOPE + 1;

const BOND_RING = BOND_TYPES.length + 1;
const STEREO = BOND_RING + 1;

/** Inputs of a bond. */
export const BOND_INPUTS = STEREO + BOND_STEREO.length;

const upTo = (value: number, largest: number) => (value >= 0 && value <= largest ? value : largest + 1);

/** Inputs of an atom that are 1, ascending; one of every group, so that no bias is needed. */
export function atomInputs(atom: GraphRowAtom): number[] {
  const { atomicNumber: z } = atom;
  return [
    z >= 1 && z <= LAST_ELEMENT ? z - 1 : z === IODINE ? LAST_ELEMENT : LAST_ELEMENT + 1,
    DEGREE + upTo(atom.degree, MAX_DEGREE),
    CHARGE + upTo(atom.charge + MAX_CHARGE, 2 * MAX_CHARGE),
    CHIRALITY + CHIRALITIES.indexOf(atom.chirality),
    HYDROGENS + upTo(atom.hydrogens, MAX_HYDROGENS),
    HYBRIDISATION + HYBRIDISATIONS.indexOf(atom.hybridisation),
    ...(atom.aromatic ? [AROMATIC] : []),
    ...(atom.inRing ? [IN_RING] : []),
    ...(atom.unpaired > 0 ? [UNPAIRED] : []),
    ...(atom.isotope > 0 ? [ISOTOPE] : []),
  ];
}

/** Inputs of a bond that are 1, ascending. */
export function bondInputs(bond: Omit<GraphRowBond, 'begin' | 'end'>): number[] {
  return [
    BOND_TYPES.indexOf(bond.type),
    ...(bond.conjugated ? [BOND_TYPES.length] : []),
    ...(bond.inRing ? [BOND_RING] : []),
    STEREO + BOND_STEREO.indexOf(bond.stereo),
  ];
}
