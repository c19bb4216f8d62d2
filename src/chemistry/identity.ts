import { sha256 } from '../foundation';

/**
 * The id of a standard molecule: `mol_` and the first 32 hex digits of sha256(standard SMILES), 128 bits, so that two
 * of 10^9 molecules share an id with probability 10^-21.
 * @param standardSmiles the `smiles` of a standardised molecule; any other spelling gives an id that nothing else knows.
 */
export function moleculeId(standardSmiles: string): string {
  return `mol_${sha256(standardSmiles).slice(0, 32)}`;
}
