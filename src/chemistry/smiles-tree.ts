import { StructureProblem } from './structure-text';

/** An atom in the tree that a SMILES spells. Atoms are numbered in writing order, as RDKit numbers them after parsing. */
export interface SmilesAtom {
  readonly text: string;
  /** -1 for the first atom of a component. */
  readonly parent: number;
  /** Symbol of the bond from the parent, '' where none is written. */
  readonly bond: string;
  readonly children: number[];
  /** Ring closures in writing order: the closure's number and the symbol written here. */
  readonly closures: { readonly ring: number; readonly bond: string }[];
}

export interface SmilesTree {
  readonly atoms: readonly SmilesAtom[];
  /** The two atoms of each ring closure. */
  readonly rings: readonly (readonly [number, number])[];
}

/** What writeSmiles leaves out or changes. */
export interface SmilesEdit {
  /** Default: every atom is written. */
  readonly keepsAtom?: (atom: number) => boolean;
  /** Default: every bond is written. */
  readonly keepsBond?: (a: number, b: number) => boolean;
  readonly atomText?: (atom: number, text: string) => string;
  readonly bondText?: (text: string) => string;
}

const TOKEN = /(\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops*])|([-=#$:/\\~]|->|<-)|(\d|%\d\d|%\(\d+\))|([().])/gy;

/** @throws StructureProblem where the text is no SMILES */
export function parseSmilesTree(smiles: string): SmilesTree {
  const atoms: SmilesAtom[] = [];
  const rings: [number, number][] = [];
  const open = new Map<string, number>();
  const branches: number[] = [];
  let current = -1;
  let bond = '';
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < smiles.length) {
    const at = TOKEN.lastIndex;
    // The two-character arrows come before the single '-' they begin with.
    const arrow = smiles.startsWith('->', at) || smiles.startsWith('<-', at);
    if (arrow) {
      bond = smiles.slice(at, at + 2);
      TOKEN.lastIndex = at + 2;
      continue;
    }
    const match = TOKEN.exec(smiles);
    if (!match) throw new StructureProblem(`no SMILES from position ${at + 1} of ${smiles} on`);
    const [, atom, symbol, closure, punctuation] = match;
    if (atom !== undefined) {
      const index = atoms.push({ text: atom, parent: current, bond, children: [], closures: [] }) - 1;
      if (current >= 0) atoms[current]!.children.push(index);
      current = index;
      bond = '';
    } else if (symbol !== undefined) {
      bond = symbol;
    } else if (closure !== undefined) {
      if (current < 0) throw new StructureProblem(`a ring closure without an atom in ${smiles}`);
      const name = closure.replace(/[%()]/g, '').replace(/^0+(?=\d)/, '');
      const ring = open.get(name);
      if (ring === undefined) open.set(name, rings.push([current, -1]) - 1);
      else {
        open.delete(name);
        rings[ring]![1] = current;
      }
      atoms[current]!.closures.push({ ring: ring ?? rings.length - 1, bond });
      bond = '';
    } else if (punctuation === '(') {
      branches.push(current);
    } else if (punctuation === ')') {
      if (branches.length === 0) throw new StructureProblem(`a branch is closed twice in ${smiles}`);
      current = branches.pop()!;
    } else {
      current = -1;
    }
  }
  if (open.size > 0 || branches.length > 0)
    throw new StructureProblem(`an unclosed ring or branch in ${smiles}`);
  return { atoms, rings };
}

/** What an atom is bonded to, with the bond's symbol; a ring closure's may stand at either end. */
export function neighboursOf({ atoms, rings }: SmilesTree, index: number): { atom: number; bond: string }[] {
  const { parent, bond, children, closures } = atoms[index]!;
  return [
    ...(parent < 0 ? [] : [{ atom: parent, bond }]),
    ...closures.map(({ ring, bond: here }) => {
      const [a, b] = rings[ring]!;
      const atom = a === index ? b : a;
      const there = atoms[atom]!.closures.find((closure) => closure.ring === ring)!.bond;
      return { atom, bond: here || there };
    }),
    ...children.map((child) => ({ atom: child, bond: atoms[child]!.bond })),
  ];
}

/**
 * Writes a tree again, with atoms or bonds left out; what comes apart is written as components of its own, so that the order of
 * the neighbours that stay, and with it the stereo they carry, is the order that was read.
 */
export function writeSmiles({ atoms, rings }: SmilesTree, edit: SmilesEdit = {}): string {
  const keepsAtom = edit.keepsAtom ?? (() => true);
  const keepsBond = edit.keepsBond ?? (() => true);
  const atomText = edit.atomText ?? ((_, text: string) => text);
  const bondText = edit.bondText ?? ((text: string) => text);
  const kept = (a: number, b: number) => keepsAtom(a) && keepsAtom(b) && keepsBond(a, b);
  // Numbers are not used again: a component that moves to the end must not close another one's ring.
  const numbers = new Map<number, number>();
  const closureText = (ring: number) => {
    const number = numbers.get(ring) ?? numbers.size + 1;
    numbers.set(ring, number);
    return number < 10 ? `${number}` : number < 100 ? `%${number}` : `%(${number})`;
  };
  const write = (start: number): string => {
    // A loop along the chain and recursion into branches only: chains may be long.
    let text = '';
    for (let index: number | undefined = start; index !== undefined;) {
      const atom: SmilesAtom = atoms[index]!;
      if (index !== start) text += bondText(atom.bond);
      text += atomText(index, atom.text);
      for (const { ring, bond } of atom.closures)
        if (kept(...(rings[ring] as [number, number]))) text += bondText(bond) + closureText(ring);
      const parent: number = index;
      const children = atom.children.filter((child) => kept(parent, child));
      for (const child of children.slice(0, -1)) text += `(${bondText(atoms[child]!.bond)}${write(child)})`;
      index = children.at(-1);
    }
    return text;
  };
  return atoms
    .flatMap(({ parent }, index) =>
      keepsAtom(index) && (parent < 0 || !kept(parent, index)) ? [write(index)] : [],
    )
    .join('.');
}

const BRACKET = /^\[(\d*)([A-Z][a-z]?|[a-z]{1,2}|\*)(@[^H+\-:\]]*)?(?:H\d*)?(?:[+-]+\d*)?(:\d+)?\]$/;

/** The parts of a written atom that matter when it is written anew. */
export interface AtomParts {
  readonly isotope: string;
  readonly symbol: string;
  readonly chirality: string;
  readonly bracket: boolean;
}

/** @throws StructureProblem where the text is no atom of a SMILES */
export function atomParts(text: string): AtomParts {
  if (!text.startsWith('[')) return { isotope: '', symbol: text, chirality: '', bracket: false };
  const match = BRACKET.exec(text);
  if (!match) throw new StructureProblem(`cannot rewrite the atom ${text}`);
  return { isotope: match[1]!, symbol: match[2]!, chirality: match[3] ?? '', bracket: true };
}

/** A bracket atom. */
export function bracketAtom(
  { isotope, symbol, chirality }: Omit<AtomParts, 'bracket'>,
  hydrogens: number,
  charge: number,
): string {
  const h = hydrogens === 0 ? '' : hydrogens === 1 ? 'H' : `H${hydrogens}`;
  const size = Math.abs(charge);
  const sign = size === 0 ? '' : `${charge > 0 ? '+' : '-'}${size === 1 ? '' : size}`;
  return `[${isotope}${symbol}${chirality}${h}${sign}]`;
}
