import { withMade } from './molecule';
import type { LoadedRdkit, RdkitMol } from './rdkit-module';
import { countHeavyAtoms, hasCarbon } from './structure-text';

/**
 * The fragments that may be the parent: most heavy atoms among those with carbon, or among all where none has carbon. A SMILES
 * that RDKit wrote never closes a ring across a dot, so its parts are its fragments.
 * @returns spellings without repeats; several where they are of one size
 */
export function largestFragments(smiles: string): string[] {
  if (!smiles.includes('.')) return [smiles];
  const parts = smiles.split('.');
  const organic = parts.filter(hasCarbon);
  const sized = (organic.length ? organic : parts).map((part) => ({ part, size: countHeavyAtoms(part) }));
  const most = Math.max(...sized.map(({ size }) => size));
  return [...new Set(sized.filter(({ size }) => size === most).map(({ part }) => part))];
}

/** Mass of a hydrogen atom, Da. */
const HYDROGEN_MASS = 1.00782503207;
/** Two masses nearer than this are one: summing in another order changes the last digits. Da. */
const SAME_MASS = 1e-5;

/**
 * Of standard forms of one size the heaviest (exact mass without the hydrogens, so that protons do not matter), of equals the one
 * that comes first in character order: the rule of RDKit's LargestFragmentChooser with countHeavyAtomsOnly.
 */
export function heaviest(loaded: LoadedRdkit, standard: readonly string[]): string {
  if (standard.length === 1) return standard[0]!;
  const masses = standard.map((smiles) => withMade(loaded, smiles, '{}', heavyMass));
  const most = Math.max(...masses);
  return standard.filter((_, index) => most - masses[index]! < SAME_MASS).sort()[0]!;
}

function heavyMass(mol: RdkitMol): number {
  const { exactmw, NumAtoms, NumHeavyAtoms } = JSON.parse(mol.get_descriptors()) as Record<string, number>;
  return exactmw! - (NumAtoms! - NumHeavyAtoms!) * HYDROGEN_MASS;
}
