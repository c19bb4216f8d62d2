import { z } from 'zod';

/** `mol_` and the first 32 hex digits of sha256(standard SMILES). Minted once, never renamed. */
export const moleculeIdSchema = z
  .string()
  .regex(/^mol_[0-9a-f]{32}$/, 'expected mol_ and 32 hexadecimal digits');

/** The standardisation rule set. A campaign pins its version. */
export const RULE_SET_VERSION = 'standard-1';

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
