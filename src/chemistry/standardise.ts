import type { Molecule, MoleculeCaps, Standardisation } from '../contracts';
import type { StandardiseOutcome, StructureInput } from './chemistry';
import { moleculeId } from './identity';
import { withMol } from './molecule';
import type { LoadedRdkit, RdkitMol } from './rdkit-module';
import { passOver, settle } from './rule-sets';
import { quote, screenStructure, StructureProblem, tooManyAtoms, type Rejection } from './structure-text';

/**
 * Standardises one structure by a rule set; docs/standardisation.md has both in full, with their sources.
 *
 * `standard-1`: atom-map numbers go; of several fragments the largest organic one stays (most heavy atoms among those with carbon,
 * or among all where none has carbon; of equals the one whose standard SMILES comes first); protons move until it is as neutral as
 * they can make it; stereo marks on neutral nitrogen go; RDKit's canonical SMILES, absolute stereo kept, repeated until it no
 * longer changes.
 * `standard-2`: as standard-1, but first bonds of metals are cut as RDKit's MetalDisconnector cuts them, functional groups of the
 * chosen fragment are written as RDKit's Normalizer writes them, and of equal fragments the heaviest stays.
 * Isotopes are kept or stripped as asked. Tautomers are left as written. Relative stereo ('or', 'and') is read as absolute.
 *
 * Call it in a disposable thread: RDKit may trap (this throws, the instance is lost) or never return.
 * @returns the standard molecule, or why there is none: `molecule-empty`, `molecule-unparsable`, `molecule-too-large`.
 */
export function standardiseStructure(
  loaded: LoadedRdkit,
  input: StructureInput,
  caps: MoleculeCaps,
  standardisation: Standardisation,
): StandardiseOutcome {
  const outcome = standardiseReading(loaded, input, caps, standardisation, (mol) => inchiKeyOf(loaded, mol));
  if (!outcome.ok) return outcome;
  const { molecule, value: inchiKey, rawSmiles } = outcome;
  return { ok: true, molecule: { ...molecule, inchiKey }, rawSmiles };
}

export type StandardRead<T> =
  | {
      readonly ok: true;
      readonly molecule: Pick<Molecule, 'moleculeId' | 'smiles'>;
      readonly rawSmiles: string;
      readonly value: T;
    }
  | Rejection;

/** As `standardiseStructure`, with what `read` takes of the standard molecule, which is parsed once for all of it. */
export function standardiseReading<T>(
  loaded: LoadedRdkit,
  input: StructureInput,
  caps: MoleculeCaps,
  standardisation: Standardisation,
  read: (mol: RdkitMol) => T,
): StandardRead<T> {
  const screened = screenStructure(input, caps);
  if (!screened.ok) return screened;
  try {
    const raw = withMol(loaded, screened.text, '{}', (mol) => {
      const known = { smiles: mol.get_smiles(), heavyAtoms: mol.get_num_atoms(true) };
      const rejected = rejectionOf(known, screened.text, input, caps);
      if (rejected) return rejected;
      const passed = passOver(loaded, known.smiles, standardisation);
      // What comes in its standard form, as from our own tables, is parsed this once.
      const isStandard = known.smiles === screened.text && passed === known.smiles;
      return { ok: true as const, ...known, passed, ...(isStandard && { read: { value: read(mol) } }) };
    });
    if (raw === null) return unparsable(loaded.takeLog() || 'RDKit gives no reason', input);
    if (!raw.ok) return raw;
    const { smiles, value } = raw.read
      ? { smiles: raw.smiles, ...raw.read }
      : settle(loaded, raw.smiles, standardisation, read, raw.passed);
    const rawSmiles = input.notation === 'smiles' ? screened.text : raw.smiles;
    return { ok: true, molecule: { moleculeId: moleculeId(smiles), smiles }, rawSmiles, value };
  } catch (error) {
    if (error instanceof StructureProblem) return unparsable(error.message, input);
    throw error;
  }
}

function rejectionOf(
  { smiles, heavyAtoms }: { readonly smiles: string; readonly heavyAtoms: number },
  text: string,
  input: StructureInput,
  caps: MoleculeCaps,
): Rejection | null {
  if (smiles.includes('*'))
    return unparsable('a placeholder atom (*, A, Q or an R group) stands for no one molecule', input);
  if (heavyAtoms === 0)
    return { ok: false, reason: 'molecule-empty', message: `${quote(text)} has no heavy atom` };
  return heavyAtoms > caps.maxHeavyAtoms ? tooManyAtoms(heavyAtoms, caps) : null;
}

/** '' where InChI cannot describe the molecule. */
function inchiKeyOf({ rdkit }: LoadedRdkit, mol: RdkitMol): string {
  const inchi = mol.get_inchi();
  return inchi === '' ? '' : rdkit.get_inchikey_for_inchi(inchi);
}

function unparsable(reason: string, { notation, text }: StructureInput): Rejection {
  const what = notation === 'smiles' ? `SMILES ${quote(text)}` : 'molblock';
  return { ok: false, reason: 'molecule-unparsable', message: `${what}: ${reason}` };
}
