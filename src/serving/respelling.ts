/** Ring-bond number that the rewriting uses; a SMILES that already has it is left alone. */
const FREE_RING = '%97';

/**
 * One token of a SMILES line: bracket atom, two-letter or one-letter organic atom, ring number, or anything else.
 * Source: OpenSMILES specification 1.0, section 3.
 */
const TOKEN = /\[[^\]]*\]|Cl|Br|%\d\d|[A-Za-z*]|\d|./g;
const PLAIN_ATOM = /^(?:Cl|Br|[BCNOPSFI])$/;
const ONE_DIGIT_RING = /^\d$/;

/**
 * The same molecule in other letters: ring numbers are raised (`1` becomes `%41`) and one bond between two plain neighbouring
 * atoms is written as a ring closure across a dot (`CCO` becomes `C%97.C%97O`). Neither touches the order of neighbours round a
 * bracket atom, so stereo marks keep their meaning.
 * @param smiles a valid SMILES; at most 1,000 characters are worth giving
 * @returns null when neither rewriting applies, as for `C` or `[Na+]`
 */
export function respellSmiles(smiles: string): string | null {
  if (smiles.includes(FREE_RING) || /%4\d/.test(smiles)) return null;
  const tokens = smiles.match(TOKEN) ?? [];
  const out: string[] = [];
  let cut = false;
  tokens.forEach((token, index) => {
    if (ONE_DIGIT_RING.test(token)) {
      out.push(`%4${token}`);
      return;
    }
    out.push(token);
    const next = tokens[index + 1];
    if (!cut && next !== undefined && PLAIN_ATOM.test(token) && PLAIN_ATOM.test(next)) {
      out.push(`${FREE_RING}.`);
      out.push(next, FREE_RING);
      tokens[index + 1] = '';
      cut = true;
    }
  });
  const respelled = out.join('');
  return respelled === smiles ? null : respelled;
}
