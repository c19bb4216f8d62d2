import type { RuleSet, Standardisation } from '../contracts';
import { disconnectMetals, hasBondedMetal } from './disconnect-metals';
import { heaviest, largestFragments } from './fragments';
import { canonicalSmiles, jsonOf, withMade } from './molecule';
import { neutralise } from './neutralise';
import { normalise } from './normalise';
import type { LoadedRdkit, RdkitMol } from './rdkit-module';
import { deprotonateAcids, protonateAcids } from './reionise';
import { NITRO, StructureProblem } from './structure-text';

/** Canonical SMILES settles after one pass for nearly every molecule; a rare one alternates between two spellings. */
const MAX_PASSES = 12;

/** One pass of a rule set over a canonical SMILES: what it makes of it, in any spelling; the same text where it changes nothing. */
type Pass = (loaded: LoadedRdkit, smiles: string, standardisation: Standardisation) => string;

const PASSES: Readonly<Record<RuleSet, Pass>> = { 'standard-1': standard1, 'standard-2': standard2 };

/** One round of settling: the canonical SMILES reached, what a pass makes of it if that is known, and what was read if it is the end. */
interface Round<T> {
  readonly next: string;
  readonly after?: string;
  readonly end?: { readonly value: T };
}

/** What one pass of a rule set makes of a molecule; the same text where it is settled. @param smiles canonical */
export const passOver = (loaded: LoadedRdkit, smiles: string, standardisation: Standardisation): string =>
  PASSES[standardisation.ruleSet](loaded, smiles, standardisation);

/**
 * The fixed point of a rule set; where canonical SMILES goes round in a ring, the first of the ring in character order. So the
 * standard form of a standard form is itself.
 * @param smiles canonical
 * @param read takes what is wanted of the standard molecule, parsed from its standard SMILES
 * @param passed what a pass over `smiles` makes of it, where that is known already
 * @throws StructureProblem when RDKit refuses what a rule makes, or nothing settles
 */
export function settle<T>(
  loaded: LoadedRdkit,
  smiles: string,
  standardisation: Standardisation,
  read: (mol: RdkitMol) => T,
  passed = passOver(loaded, smiles, standardisation),
): { smiles: string; value: T } {
  const seen = [smiles];
  let changed = passed;
  for (let i = 0; i < MAX_PASSES; i++) {
    const text = changed;
    const { next, after, end } = withMade(loaded, text, '{}', (mol): Round<T> => {
      const spelling = mol.get_smiles();
      if (spelling !== text) return { next: spelling };
      // RDKit writes it as it read it: this is the molecule that the next round would parse, and nearly always the last one.
      const again = text === seen.at(-1) ? text : passOver(loaded, text, standardisation);
      return { next: text, after: again, ...(again === text && { end: { value: read(mol) } }) };
    });
    if (end) return { smiles: next, ...end };
    const back = seen.indexOf(next);
    if (back >= 0) {
      const first = seen.slice(back).sort()[0]!;
      return { smiles: first, value: withMade(loaded, first, '{}', read) };
    }
    seen.push(next);
    changed = after ?? passOver(loaded, next, standardisation);
  }
  throw new StructureProblem(`no stable canonical SMILES after ${MAX_PASSES} passes`);
}

/** Labels of the drawing, and stereo marks that one spelling of a molecule has and another has not. */
function withoutLabels(smiles: string, { isotopes }: Standardisation): string {
  const bare = smiles.replace(/:\d+\]/g, ']').replace(/\[(\d*N)@@?(H?)\]/g, '[$1$2]');
  return isotopes === 'strip' ? bare.replace(/\[\d+/g, '[') : bare;
}

function standard1(loaded: LoadedRdkit, smiles: string, standardisation: Standardisation): string {
  const candidates = largestFragments(withoutLabels(smiles, standardisation)).map((part) =>
    neutral(loaded, part),
  );
  if (candidates.length === 1) return candidates[0]!;
  return candidates.map((candidate) => canonicalSmiles(loaded, candidate)).sort()[0]!;
}

function standard2(loaded: LoadedRdkit, smiles: string, standardisation: Standardisation): string {
  const bare = withoutLabels(smiles, standardisation);
  if (hasBondedMetal(bare)) {
    const apart = disconnectMetals(bare, jsonOf(loaded, bare));
    if (apart !== null) return apart;
  }
  const candidates = largestFragments(bare);
  if (candidates.length > 1) {
    const settled = candidates.map(
      (part) => settle(loaded, canonicalSmiles(loaded, part), standardisation, () => null).smiles,
    );
    return heaviest(loaded, [...new Set(settled)]);
  }
  const [part] = candidates as [string];
  const normal = normalise(loaded, part);
  if (normal !== null) return normal;
  const uncharged = neutral(loaded, part);
  return uncharged === part ? reionised(loaded, part) : uncharged;
}

const CATION = /\+\d*\]/;
const ANION = /-\d*\]/;
const CHARGED = /\[[^\]]*[+-][^\]]*\]/;

function neutral(loaded: LoadedRdkit, smiles: string): string {
  if (!CHARGED.test(smiles) || !CHARGED.test(smiles.replace(NITRO, ''))) return smiles;
  return neutralise(smiles, jsonOf(loaded, smiles)) ?? smiles;
}

/** Charges that acids have to keep move to the strongest of them, wherever they were drawn. */
function reionised(loaded: LoadedRdkit, smiles: string): string {
  const bare = smiles.replace(NITRO, '');
  if (!CATION.test(bare) || !ANION.test(bare)) return smiles;
  const protonated = protonateAcids(smiles, jsonOf(loaded, smiles));
  if (protonated === null) return smiles;
  const canonical = canonicalSmiles(loaded, protonated.smiles);
  return deprotonateAcids(canonical, jsonOf(loaded, canonical), protonated.protons);
}
