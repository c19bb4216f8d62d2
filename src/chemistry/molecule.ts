import type { LoadedRdkit, RdkitMol } from './rdkit-module';
import { quote, StructureProblem } from './structure-text';

/** Parses, uses and frees a molecule, whatever happens. @returns null where RDKit does not accept the text; its log says why. */
export function withMol<T>(
  { rdkit, takeLog }: LoadedRdkit,
  text: string,
  options: string,
  use: (mol: RdkitMol) => T,
): T | null {
  const mol = rdkit.get_mol(text, options);
  if (!mol) return null;
  try {
    return use(mol);
  } finally {
    mol.delete();
    takeLog();
  }
}

/** The same for a SMILES that a rule has made. @throws StructureProblem where RDKit does not accept it */
export function withMade<T>(
  loaded: LoadedRdkit,
  smiles: string,
  options: string,
  use: (mol: RdkitMol) => T,
): T {
  const mol = loaded.rdkit.get_mol(smiles, options);
  if (!mol)
    throw new StructureProblem(
      `${quote(smiles)}, reached from this structure, is not accepted: ${loaded.takeLog()}`,
    );
  try {
    return use(mol);
  } finally {
    mol.delete();
    loaded.takeLog();
  }
}

export const canonicalSmiles = (loaded: LoadedRdkit, smiles: string): string =>
  withMade(loaded, smiles, '{}', (mol) => mol.get_smiles());

/** RDKit's JSON with the atoms in the order of the text. */
export const jsonOf = (loaded: LoadedRdkit, smiles: string): string =>
  withMade(loaded, smiles, '{"removeHs":false}', (mol) => mol.get_json());
