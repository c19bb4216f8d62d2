import { withMol } from './molecule';
import type { LoadedRdkit } from './rdkit-module';
import {
  atomParts,
  bracketAtom,
  neighboursOf,
  parseSmilesTree,
  writeSmiles,
  type SmilesTree,
} from './smiles-tree';
import { StructureProblem } from './structure-text';

/** Scaffolds repeat: in screening collections one is shared by several molecules. Entries kept in a thread. */
const REMEMBERED = 20_000;
const remembered = new Map<string, string | null>();

/**
 * The Bemis-Murcko scaffold as RDKit's MurckoScaffold.MurckoScaffoldSmiles gives it (Bemis and Murcko 1996; RDKit's MurckoDecompose,
 * Code/GraphMol/ChemTransforms/ChemTransforms.cpp): rings, the chains that link them, and what is bonded to either by a double bond;
 * no stereo, no isotopes.
 * @param smiles a standard SMILES
 * @returns RDKit's canonical SMILES, '' for a molecule without rings, null where RDKit does not accept what is left
 */
export function murckoScaffold(loaded: LoadedRdkit, smiles: string): string | null {
  const text = scaffoldText(smiles);
  if (!text) return text;
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const scaffold = withMol(loaded, text, '{}', (mol) => mol.get_smiles());
  loaded.takeLog();
  if (remembered.size >= REMEMBERED) remembered.clear();
  remembered.set(text, scaffold);
  return scaffold;
}

function scaffoldText(smiles: string): string | null {
  try {
    const tree = parseSmilesTree(smiles);
    const framework = ringsAndLinkers(tree);
    if (framework.size === 0) return '';
    const { kept, opened } = withDoubleBonds(tree, framework);
    return writeSmiles(tree, {
      keepsAtom: (atom) => kept.has(atom),
      atomText: (atom, text) => flatAtom(tree, kept, atom, text, opened.get(atom)),
      bondText: (bond) => (bond === '/' || bond === '\\' ? '' : bond),
    });
  } catch (error) {
    if (error instanceof StructureProblem) return null;
    throw error;
  }
}

/** What is left when ends of chains are taken off until there are none. */
function ringsAndLinkers(tree: SmilesTree): Set<number> {
  const neighbours = tree.atoms.map((_, index) => neighboursOf(tree, index).map(({ atom }) => atom));
  const degree = neighbours.map(({ length }) => length);
  const left = new Set(degree.keys());
  const ends = [...left].filter((atom) => degree[atom]! <= 1);
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
    left.delete(end);
    for (const atom of neighbours[end]!) if (left.has(atom) && --degree[atom]! === 1) ends.push(atom);
  }
  return left;
}

/** How an atom of the framework is written once it has lost neighbours: `h` one hydrogen in their place, `valence` what its valence asks for. */
type Opened = 'h' | 'valence';

function withDoubleBonds(tree: SmilesTree, framework: ReadonlySet<number>) {
  const kept = new Set(framework);
  const opened = new Map<number, Opened>();
  for (const index of tree.atoms.keys()) {
    if (framework.has(index)) continue;
    for (const { atom, bond } of neighboursOf(tree, index)) {
      if (!framework.has(atom)) continue;
      if (bond === '=') {
        kept.add(index);
        break;
      }
      const how = openedBy(tree.atoms[atom]!.text);
      if (how) opened.set(atom, how);
    }
  }
  return { kept, opened };
}

function openedBy(text: string): Opened | null {
  const { symbol, bracket } = atomParts(text);
  const aromatic = symbol === symbol.toLowerCase();
  if (aromatic && symbol !== 'c') return 'h';
  if (!bracket) return null;
  return aromatic && /\+\]$/.test(text) ? 'h' : 'valence';
}

/** An atom without stereo and isotope, with the hydrogens that RDKit gives it. */
function flatAtom(
  tree: SmilesTree,
  kept: ReadonlySet<number>,
  atom: number,
  text: string,
  opened: Opened | undefined,
): string {
  const { symbol, bracket } = atomParts(text);
  const charge = writtenCharge(text);
  const flat = { isotope: '', symbol, chirality: '' };
  if (opened === 'h') return bracketAtom(flat, 1, charge);
  if (opened === undefined) return bracket ? bracketAtom(flat, writtenHydrogens(text), charge) : text;
  if (symbol === 'c') return charge === 0 ? symbol : bracketAtom(flat, writtenHydrogens(text), charge);
  const orders = neighboursOf(tree, atom).map(({ atom: other, bond }) => ({
    order: BOND_ORDERS[bond] ?? 1,
    stays: kept.has(other),
  }));
  const sum = (list: readonly { order: number }[]) => list.reduce((total, { order }) => total + order, 0);
  const before = sum(orders) + writtenHydrogens(text);
  const now = sum(orders.filter(({ stays }) => stays));
  const valences = valencesOf(symbol, charge);
  // A shell that was open before stays open.
  const radicals = (valences.find((valence) => valence >= before) ?? before) - before;
  if (charge === 0 && radicals === 0 && ORGANIC_SUBSET.has(symbol)) return symbol;
  const hydrogens = (valences.find((valence) => valence >= now) ?? now) - now - radicals;
  return bracketAtom(flat, Math.max(0, hydrogens), charge);
}

const BOND_ORDERS: Readonly<Record<string, number>> = { '=': 2, '#': 3, $: 4, '->': 0, '<-': 0 };
const ORGANIC_SUBSET = new Set(['B', 'C', 'N', 'O', 'P', 'S', 'F', 'Cl', 'Br', 'I']);

/** Main-group elements that can lie in a ring, in columns from group 13 to 17: a charge moves an atom by as many columns. */
const COLUMNS = [
  ['B', 'C', 'N', 'O', 'F'],
  ['Al', 'Si', 'P', 'S', 'Cl'],
  ['Ga', 'Ge', 'As', 'Se', 'Br'],
  ['In', '', 'Sb', 'Te', 'I'],
];
const COLUMN_VALENCES = [[3], [4], [3, 5], [2, 4, 6], [1, 3, 5]];

function valencesOf(symbol: string, charge: number): readonly number[] {
  if (symbol === 'Sn' || symbol === 'Pb') return charge === 0 ? [2, 4] : [];
  const row = COLUMNS.find((elements) => elements.includes(symbol));
  if (!row) return [];
  const valences = COLUMN_VALENCES[row.indexOf(symbol) - charge] ?? [];
  return row === COLUMNS[0] ? valences.slice(0, 1) : valences;
}

const writtenHydrogens = (text: string): number => {
  const match = /H(\d*)(?=[+\-:\]])/.exec(text.replace(/^\[\d*[A-Z][a-z]?/, ''));
  return match ? Number(match[1] || 1) : 0;
};

const writtenCharge = (text: string): number => {
  const match = /([+-])(\d*)(?::\d+)?\]$/.exec(text);
  return match ? Number(`${match[1]}${match[2] || 1}`) : 0;
};
