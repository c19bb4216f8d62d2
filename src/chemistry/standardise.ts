import type { MoleculeCaps } from '../contracts';
import type { StandardiseOutcome, StructureInput } from './chemistry';
import { moleculeId } from './identity';
import { neutralise } from './neutralise';
import type { LoadedRdkit, RdkitMol } from './rdkit-module';
import {
  countHeavyAtoms,
  hasCarbon,
  quote,
  screenStructure,
  StructureProblem,
  tooManyAtoms,
  type Rejection,
} from './structure-text';

/** Canonical SMILES settles after one pass for nearly every molecule; a rare one alternates between two spellings. */
const MAX_PASSES = 12;

/** Frees the molecule whatever happens. */
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

const canonical = (loaded: LoadedRdkit, smiles: string): string => {
  const text = withMol(loaded, smiles, '{}', (mol) => mol.get_smiles());
  if (text === null)
    throw new StructureProblem(
      `${quote(smiles)}, reached from this structure, is not accepted: ${loaded.takeLog()}`,
    );
  return text;
};

const isCharged = (smiles: string) => /\[[^\]]*[+-][^\]]*\]/.test(smiles);

function neutralFragment(loaded: LoadedRdkit, smiles: string): string {
  if (!isCharged(smiles)) return smiles;
  const json = withMol(loaded, smiles, '{"removeHs":false}', (mol) => mol.get_json());
  if (json === null)
    throw new StructureProblem(
      `${quote(smiles)}, reached from this structure, is not accepted: ${loaded.takeLog()}`,
    );
  return neutralise(smiles, json) ?? smiles;
}

/** A canonical SMILES never closes a ring across a dot, so its parts are its fragments. */
function largestFragments(smiles: string): string[] {
  const parts = smiles.split('.');
  const organic = parts.filter(hasCarbon);
  const sized = (organic.length ? organic : parts).map((part) => ({ part, size: countHeavyAtoms(part) }));
  const most = Math.max(...sized.map(({ size }) => size));
  return [...new Set(sized.filter(({ size }) => size === most).map(({ part }) => part))];
}

/** The rules once. @param smiles canonical */
function onePass(loaded: LoadedRdkit, smiles: string): string {
  const bare = smiles.replace(/:\d+\]/g, ']').replace(/\[(\d*N)@@?(H?)\]/g, '[$1$2]');
  const candidates = (bare.includes('.') ? largestFragments(bare) : [bare]).map((part) =>
    canonical(loaded, neutralFragment(loaded, part)),
  );
  return candidates.sort()[0]!;
}

/**
 * The fixed point of the rules; where canonical SMILES goes round in a ring, the first of the ring in character order.
 * So the standard form of a standard form is itself.
 */
function settle(loaded: LoadedRdkit, smiles: string): string {
  const seen = [smiles];
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = onePass(loaded, seen.at(-1)!);
    const back = seen.indexOf(next);
    if (back >= 0) return seen.slice(back).sort()[0]!;
    seen.push(next);
  }
  throw new StructureProblem(`no stable canonical SMILES after ${MAX_PASSES} passes`);
}

/**
 * Standardises one structure by the rule set 'standard-1' (RULE_SET_VERSION; a changed rule needs a new name):
 * 1. atom-map numbers go (they are a label of the drawing);
 * 2. of several fragments the largest organic one stays: most heavy atoms among those with carbon, or among all where none
 *    has carbon; of equals the one whose standard SMILES comes first;
 * 3. protons move until it is as neutral as they can make it (neutralise.ts);
 * 4. stereo marks on neutral nitrogen go: it inverts, or the carbons of its ring fix it, and of two writings of quinine one has
 *    the mark and one has not;
 * 5. RDKit's canonical SMILES, isotopes and absolute stereo kept, repeated until it no longer changes.
 * Tautomers are left as written. Relative stereo ('or', 'and') is read as absolute.
 *
 * Call it in a disposable thread: RDKit may trap (this throws, the instance is lost) or never return.
 * @returns the standard molecule, or why there is none: `molecule-empty`, `molecule-unparsable`, `molecule-too-large`.
 */
export function standardiseStructure(
  loaded: LoadedRdkit,
  input: StructureInput,
  caps: MoleculeCaps,
): StandardiseOutcome {
  const screened = screenStructure(input, caps);
  if (!screened.ok) return screened;
  try {
    const raw = withMol(loaded, screened.text, '{}', (mol) => ({
      smiles: mol.get_smiles(),
      heavyAtoms: mol.get_num_atoms(true),
    }));
    if (raw === null) return unparsable(loaded.takeLog() || 'RDKit gives no reason', input);
    if (raw.smiles.includes('*'))
      return unparsable('a placeholder atom (*, A, Q or an R group) stands for no one molecule', input);
    if (raw.heavyAtoms === 0)
      return { ok: false, reason: 'molecule-empty', message: `${quote(screened.text)} has no heavy atom` };
    if (raw.heavyAtoms > caps.maxHeavyAtoms) return tooManyAtoms(raw.heavyAtoms, caps);
    const smiles = settle(loaded, raw.smiles);
    const inchiKey = withMol(loaded, smiles, '{}', (mol) => inchiKeyOf(loaded, mol)) ?? '';
    const rawSmiles = input.notation === 'smiles' ? screened.text : raw.smiles;
    return { ok: true, molecule: { moleculeId: moleculeId(smiles), smiles, inchiKey }, rawSmiles };
  } catch (error) {
    if (error instanceof StructureProblem) return unparsable(error.message, input);
    throw error;
  }
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
