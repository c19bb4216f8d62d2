import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createChemistry, moleculeId, type ScreenSpec } from '../../../src/chemistry';
import { constraintsSchema, PROPERTY_NAMES, type Constraints } from '../../../src/contracts';
import { packageRoot } from '../../../src/foundation';
import {
  compileRules,
  NO_LISTS,
  screenOf,
  type CompiledRules,
  type CompileRequest,
  type ScreenedMolecule,
} from '../../../src/acquisition/constraints';

/** Patterns that random constraints draw from. */
export const PATTERNS: Readonly<Record<string, string>> = {
  'an aromatic ring': 'a1aaaaa1',
  halogen: '[F,Cl,Br,I]',
  carbonyl: '[CX3]=[OX1]',
  hydroxyl: '[OX2H]',
  amine: '[NX3;!$(N[#6]=[OX1])]',
  nitro: '[NX3+](=[OX1])[OX1-]',
};

const EVERYTHING: ScreenSpec = {
  properties: [...PROPERTY_NAMES],
  patterns: Object.values(PATTERNS),
  scaffold: true,
  fingerprint: true,
};

/** A molecule with all that can be found of it. */
export interface RealMolecule {
  readonly moleculeId: string;
  readonly smiles: string;
  readonly found: Required<Omit<ScreenedMolecule, 'failed' | 'moleculeId'>>;
}

/** Measured molecules of the example, every `step`-th, examined by RDKit. */
export async function realMolecules(step: number): Promise<RealMolecule[]> {
  const text = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8');
  const smiles = text
    .trim()
    .split('\n')
    .slice(1)
    .filter((_, i) => i % step === 0)
    .map((line) => /([^",]+),-?[\d.]+,\(/.exec(line)![1]!);
  const chemistry = createChemistry({ threads: 1 });
  try {
    const outcomes = await chemistry.screen(smiles, EVERYTHING);
    // The example has rows that are no molecules, on purpose.
    return outcomes.flatMap((outcome, i) => {
      if (!outcome.ok) return [];
      const { properties, matches, scaffold = null, fingerprint = '' } = outcome;
      return {
        moleculeId: moleculeId(smiles[i]!),
        smiles: smiles[i]!,
        found: { properties, matches, scaffold, fingerprint },
      };
    });
  } finally {
    await chemistry.close();
  }
}

/** What a screening for just these constraints would have found. */
function screened(molecule: RealMolecule, spec: ScreenSpec | null): ScreenedMolecule {
  const { moleculeId: id, found } = molecule;
  if (!spec) return { moleculeId: id };
  const matched = new Set(found.matches.map((index) => EVERYTHING.patterns[index]!));
  return {
    moleculeId: id,
    properties: spec.properties.map((name) => found.properties[PROPERTY_NAMES.indexOf(name)]!),
    matches: spec.patterns.flatMap((smarts, index) => (matched.has(smarts) ? [index] : [])),
    ...(spec.scaffold && { scaffold: found.scaffold }),
    ...(spec.fingerprint && { fingerprint: found.fingerprint }),
  };
}

export type RulesOptions = Partial<Pick<CompileRequest, 'lists' | 'spent' | 'isCandidate'>>;

/** Rules over real molecules, in parts of seven. */
export async function rulesOver(
  molecules: readonly RealMolecule[],
  given: object,
  options: RulesOptions = {},
): Promise<CompiledRules> {
  const constraints: Constraints = constraintsSchema.parse(given);
  const screen = screenOf(constraints);
  const all = molecules.map((molecule) => screened(molecule, screen));
  const parts = Array.from({ length: Math.ceil(all.length / 7) }, (_, i) => all.slice(7 * i, 7 * i + 7));
  return compileRules({
    constraints,
    screen,
    molecules: parts,
    isCandidate: () => true,
    lists: NO_LISTS,
    spent: 0,
    ...options,
  });
}

/** A batch by rank alone: required ones, then whatever fits in the order given. */
export function pickByRank(rules: CompiledRules, size: number, ranked: readonly string[]): string[] {
  const draft = rules.begin(size);
  const picks: string[] = [];
  for (const id of [...draft.required, ...ranked]) {
    if (!rules.admits(id) || !draft.fits(id)) continue;
    draft.take(id);
    picks.push(id);
  }
  return picks;
}
