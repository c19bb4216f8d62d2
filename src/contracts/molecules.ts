import { z } from 'zod';
import { TitrateError } from './errors';

/** `mol_` and the first 32 hex digits of sha256(standard SMILES). Minted once, never renamed. */
export const moleculeIdSchema = z
  .string()
  .regex(/^mol_[0-9a-f]{32}$/, 'expected mol_ and 32 hexadecimal digits');

/** The standardisation rule sets (docs/standardisation.md). A changed rule needs a new name: ids are minted from what they give. */
export const RULE_SETS = ['standard-1', 'standard-2'] as const;
export type RuleSet = (typeof RULE_SETS)[number];
export const RULE_SET_VERSION: RuleSet = 'standard-2';

/** How structures are standardised. A campaign and a dataset pin it. */
export const standardisationSchema = z.strictObject({
  ruleSet: z.enum(RULE_SETS).default(RULE_SET_VERSION),
  isotopes: z
    .enum(['keep', 'strip'])
    .default('keep')
    .describe("'strip': isotope labels go, so that a labelled compound is the same molecule as its parent."),
});
export type Standardisation = z.infer<typeof standardisationSchema>;

/** One word for a standardisation; part of a dataset version's id. */
export const ruleSetName = ({ ruleSet, isotopes }: Standardisation): string =>
  isotopes === 'keep' ? ruleSet : `${ruleSet}+isotopes-stripped`;

/** The standardisation a name stands for. @throws TitrateError runtime-mismatch for rules that this version does not know. */
export function standardisationNamed(name: string): Standardisation {
  for (const ruleSet of RULE_SETS)
    for (const isotopes of ['keep', 'strip'] as const)
      if (ruleSetName({ ruleSet, isotopes }) === name) return { ruleSet, isotopes };
  throw new TitrateError('runtime-mismatch', {
    what: `'${name}' is no rule set of this version; it knows ${RULE_SETS.join(', ')}`,
    remedy: 'Use the version of titrate that made it, or a newer one',
  });
}

/** What everything was standardised by before the rule set could be chosen. */
export const FIRST_STANDARDISATION: Standardisation = { ruleSet: 'standard-1', isotopes: 'keep' };

/** Caps that keep RDKit's WASM build from hanging or trapping (facts: 700 carbons never return). */
export const moleculeCapsSchema = z.strictObject({
  maxHeavyAtoms: z
    .number()
    .int()
    .min(1)
    .max(600)
    .default(300)
    .describe('Largest molecule accepted, heavy atoms.'),
  maxCharacters: z
    .number()
    .int()
    .min(1)
    .max(4000)
    .default(1000)
    .describe('Longest SMILES accepted, characters.'),
});
export type MoleculeCaps = z.infer<typeof moleculeCapsSchema>;

/** A standardised molecule: the unit that every later step works on. */
export const moleculeSchema = z.strictObject({
  moleculeId: moleculeIdSchema,
  /** Standard canonical SMILES: largest organic fragment, neutral where it can be. */
  smiles: z.string(),
  inchiKey: z.string(),
});
export type Molecule = z.infer<typeof moleculeSchema>;
