import type { MoleculeCaps, QuarantineRow } from '../contracts';
import type { StructureInput } from './chemistry';

/** A structure that cannot be used though RDKit parsed it: a quarantine outcome, not a crash. */
export class StructureProblem extends Error {}

/** One atom as it is written in a SMILES: where it stands and what it says. */
export interface AtomToken {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const ATOM = /\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops*]/g;
const HYDROGEN = /^\[\d*H[+-]?\d*(:\d+)?\]$/;
const CARBON = /^(C|c|\[\d*(C(?![adeflmnorsu])|c).*\])$/;

/** Nitro groups as canonical SMILES writes them: common charges that write a bond, which no rule changes. */
export const NITRO = /\[N\+\]\(=O\)\[O-\]|O=\[N\+\]\(\[O-\]\)/g;

/** The atoms of a SMILES in the order they are written, which is the order of atom indices after parsing. */
export function atomTokens(smiles: string): AtomToken[] {
  return [...smiles.matchAll(ATOM)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    text: match[0],
  }));
}

/** Heavy atoms (not H, D or T) counted from the text alone, before anything dangerous is parsed. */
export function countHeavyAtoms(smiles: string): number {
  let count = 0;
  for (const [text] of smiles.matchAll(ATOM)) if (!HYDROGEN.test(text)) count++;
  return count;
}

/** Whether a SMILES has a carbon atom: what makes a fragment organic here. */
export function hasCarbon(smiles: string): boolean {
  return atomTokens(smiles).some(({ text }) => CARBON.test(text));
}

/** Heavy atoms of a molblock counted from its atom lines (V2000 or V3000). */
export function countMolblockHeavyAtoms(molblock: string): number {
  const lines = molblock.split('\n');
  const isHeavy = (symbol: string | undefined) => symbol !== undefined && !['H', 'D', 'T'].includes(symbol);
  const start = lines.findIndex((line) => line.startsWith('M  V30 BEGIN ATOM'));
  if (start >= 0) {
    const end = lines.findIndex((line) => line.startsWith('M  V30 END ATOM'));
    return lines.slice(start + 1, end).filter((line) => isHeavy(line.split(/\s+/)[3])).length;
  }
  const atoms = parseInt(lines[3]?.slice(0, 3) ?? '', 10) || 0;
  return lines.slice(4, 4 + atoms).filter((line) => isHeavy(line.slice(31, 34).trim())).length;
}

/**
 * Characters of a molblock allowed for each allowed character of SMILES: an atom line has 69, a bond line 12, and
 * a heavy atom comes with about one hydrogen when they are drawn.
 */
export const MOLBLOCK_CHARACTERS_PER_SMILES_CHARACTER = 100;

export type Rejection = {
  readonly ok: false;
  readonly reason: QuarantineRow['reason'];
  readonly message: string;
};
export type Screened = { readonly ok: true; readonly text: string; readonly heavyAtoms: number };

const reject = (reason: QuarantineRow['reason'], message: string): Rejection => ({
  ok: false,
  reason,
  message,
});

/** A stretch of somebody's text fit for a one-line message. */
export function quote(text: string): string {
  const oneLine = text.replace(/\s+/g, ' ');
  return `'${oneLine.length > 60 ? `${oneLine.slice(0, 57)}...` : oneLine}'`;
}

/** No caps: for molecules that were standardised, and so passed them, before. */
export const NO_CAPS: MoleculeCaps = { maxHeavyAtoms: Infinity, maxCharacters: Infinity };

/**
 * Looks at the text of a structure before RDKit does: what RDKit would accept though it is no molecule, and what is
 * too large to be given to it safely (a chain of 700 carbons never comes back from canonical ranking).
 * @returns the text to parse and its heavy atoms, or why it is refused.
 */
export function screenStructure(
  { notation, text }: StructureInput,
  caps: MoleculeCaps,
): Screened | Rejection {
  return notation === 'smiles' ? screenSmiles(text, caps) : screenMolblock(text, caps);
}

function screenSmiles(raw: string, caps: MoleculeCaps): Screened | Rejection {
  const text = raw.trim();
  if (text === '') return reject('molecule-empty', 'the SMILES is empty');
  if (text.length > caps.maxCharacters)
    return reject(
      'molecule-too-large',
      `the SMILES has ${text.length} characters; the limit is ${caps.maxCharacters}`,
    );
  // RDKit stops at white space, and reads JSON where it sees a brace: both would pass for a molecule.
  // eslint-disable-next-line no-control-regex
  const alien = /[\s\u0000-\u0020\u007f"]/.exec(text) ?? /^\{/.exec(text);
  if (alien) {
    const what = /\s/.test(alien[0]) ? 'white space' : `the character ${JSON.stringify(alien[0])}`;
    return reject(
      'molecule-unparsable',
      `${what} at position ${alien.index + 1} of ${quote(text)}; a SMILES has none`,
    );
  }
  return withinCaps(text, countHeavyAtoms(text), caps);
}

function screenMolblock(raw: string, caps: MoleculeCaps): Screened | Rejection {
  const limit = caps.maxCharacters * MOLBLOCK_CHARACTERS_PER_SMILES_CHARACTER;
  if (raw.trim() === '') return reject('molecule-empty', 'the molblock is empty');
  if (raw.length > limit)
    return reject('molecule-too-large', `the molblock has ${raw.length} characters; the limit is ${limit}`);
  const text = raw.replace(/\r\n?/g, '\n');
  const end = /^M {2}END/m.exec(text);
  // Without it RDKit would try the text as a SMILES.
  if (!end) return reject('molecule-unparsable', "the molblock has no line 'M  END'");
  return withinCaps(`${text.slice(0, end.index)}M  END\n`, countMolblockHeavyAtoms(text), caps);
}

function withinCaps(text: string, heavyAtoms: number, caps: MoleculeCaps): Screened | Rejection {
  return heavyAtoms > caps.maxHeavyAtoms ? tooManyAtoms(heavyAtoms, caps) : { ok: true, text, heavyAtoms };
}

export function tooManyAtoms(heavyAtoms: number, caps: MoleculeCaps): Rejection {
  return reject('molecule-too-large', `${heavyAtoms} heavy atoms; the limit is ${caps.maxHeavyAtoms}`);
}
