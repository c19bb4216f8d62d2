import type { QuarantineReason, TextEncoding } from '../../contracts';

export interface CellProblem {
  readonly reason: QuarantineReason;
  readonly message: string;
}

/** Longest SMILES cell taken, characters: four times what the largest cap allows. */
export const MAX_SMILES_CHARACTERS = 1 << 14;
/** Longest molblock taken, characters: 600 heavy atoms with their hydrogens and bonds, drawn in V3000. */
export const MAX_MOLBLOCK_CHARACTERS = 1 << 18;
/** Longest other cell taken, characters. */
export const MAX_CELL_CHARACTERS = 10_000;

/** U+FFFD stands for bytes that could not be decoded; no cell holds control characters but white space. */
// eslint-disable-next-line no-control-regex
const GARBLED = /[\0-\x08\x0e-\x1f\x7f-\x9f\ufffd]/;

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^[+-]?(?:inf|infinity|nan)$/i;
/** A reference, a function, a text, a bracket; or arithmetic on numbers after '='. */
const FORMULA = /^(?:[=+@-]\s*[+-]?\s*[\p{L}_($"'{@#]|=\s*[+-]?[\d.]+\s*[-+*/^&])/u;
/** What a SMILES can consist of outside of brackets. */
const NOT_SMILES = /[^BCNOPSFIlrbcnops0-9()=#$:/\\.%*~@+-]/;

/** Whether a cell of a table is a spreadsheet's formula that was exported as it stands; numbers and qualifiers are none. */
export function isFormula(text: string): boolean {
  const first = text.charCodeAt(0);
  // = + - @
  if (first !== 0x3d && first !== 0x2b && first !== 0x2d && first !== 0x40) return false;
  if (!FORMULA.test(text)) return false;
  const rest = text[0] === '=' ? text.slice(1).trim() : text;
  return !NUMBER.test(rest) && !INFINITE.test(rest);
}

/** The same for a SMILES cell: what could be a fragment of a SMILES (=O, -C) is left to chemistry. */
export function isFormulaForSmiles(text: string): boolean {
  return isFormula(text) && NOT_SMILES.test(text.slice(1).replace(/\[[^\]]*\]/g, ''));
}

/** Why a used cell cannot be taken, or null. `text` is trimmed; `encoding` null: the source is not text. */
export function cellProblem(
  text: string,
  column: string,
  kind: 'smiles' | 'cell',
  encoding: TextEncoding | null,
): CellProblem | null {
  if (GARBLED.test(text)) {
    const undecoded = encoding === 'latin1' ? /[\x80-\x9f]/ : /\ufffd/;
    const name = encoding === 'latin1' ? 'Windows-1252' : (encoding ?? 'utf-8').toUpperCase();
    const what = undecoded.test(text) ? `bytes that are not ${name}` : 'control characters';
    return { reason: 'encoding-invalid', message: `the cell of '${column}' holds ${what}` };
  }
  const limit = kind === 'smiles' ? MAX_SMILES_CHARACTERS : MAX_CELL_CHARACTERS;
  if (text.length > limit) {
    return {
      reason: kind === 'smiles' ? 'molecule-too-large' : 'record-malformed',
      message: `the cell of '${column}' has ${text.length} characters; the limit is ${limit}`,
    };
  }
  if (kind === 'smiles' ? isFormulaForSmiles(text) : isFormula(text)) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    return {
      reason: 'formula-cell',
      message: `the cell of '${column}' is a spreadsheet's formula (${shown}); export values instead`,
    };
  }
  return null;
}
