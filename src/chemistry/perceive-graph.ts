import type { GraphRowBond } from '../foundation';
import { markConjugated } from './conjugation';
import { hybridisationOf } from './hybridisation';
import {
  bondSpan,
  FIRST_DATIVE,
  type MolecularGraph,
  type PerceivedAtom,
  type PerceivedBond,
} from './molecular-graph';
import { CARBON, perceived, readJson, type JsonMolecule } from './rdkit-graph';

const AROMATIC = 12;
const TYPES: Readonly<Record<number, GraphRowBond['type']>> = {
  1: 'single',
  2: 'double',
  3: 'triple',
  12: 'aromatic',
};

/**
 * Reads RDKit's JSON of a standard molecule. The JSON has atoms, Kekulé bonds, aromaticity, rings and stereo; conjugation and
 * hybridisation are derived here by RDKit's rules.
 */
export function perceiveGraph(json: string): MolecularGraph {
  const molecule = readJson(json);
  const extension = perceived(molecule);
  const aromaticAtoms = new Set(extension?.aromaticAtoms);
  const aromaticBonds = new Set(extension?.aromaticBonds);
  const ringAtoms = new Set(extension?.atomRings?.flat());
  const ringBonds = bondsOfRings(extension?.atomRings ?? []);
  const labels = new Map(extension?.cipCodes);

  const atoms = molecule.atoms.map((atom, index): PerceivedAtom => {
    const hydrogens = atom.impHs ?? 0;
    const tetrahedral = atom.stereo !== undefined && atom.stereo !== 'unspecified';
    const label = labels.get(index);
    return {
      atomicNumber: atom.z ?? CARBON,
      degree: hydrogens,
      hydrogens,
      charge: atom.chg ?? 0,
      chirality: label === 'R' || label === 'S' ? label : tetrahedral ? 'other' : 'none',
      hybridisation: 'other',
      aromatic: aromaticAtoms.has(index),
      inRing: ringAtoms.has(index),
      unpaired: atom.nRad ?? 0,
      isotope: atom.isotope ?? 0,
      neighbours: [],
      valence: hydrogens,
      tetrahedral,
    };
  });
  const bonds = molecule.bonds.map((bond, index): PerceivedBond => {
    const order = bond.bo ?? 1;
    const code = aromaticBonds.has(index) ? AROMATIC : order;
    const [begin, end] = bond.atoms;
    for (const [self, other] of [bond.atoms, [end, begin]] as const) {
      const atom = atoms[self]!;
      atom.neighbours.push({ atom: other, bond: index });
      atom.degree++;
      atom.valence += bondSpan(order, self === end);
    }
    return {
      begin,
      end,
      type: TYPES[code] ?? (code >= FIRST_DATIVE ? 'dative' : 'other'),
      code,
      order,
      conjugated: code === AROMATIC,
      inRing: ringBonds.has(pairKey(begin, end)),
      stereo: stereoOf(bond, atoms, extension?.cipRanks),
    };
  });
  const graph = { atoms, bonds };
  markConjugated(graph);
  for (const atom of atoms) atom.hybridisation = hybridisationOf(atom, graph);
  return graph;
}

const pairKey = (a: number, b: number) => (a < b ? a * 65536 + b : b * 65536 + a);

function bondsOfRings(rings: readonly (readonly number[])[]): Set<number> {
  return new Set(rings.flatMap((ring) => ring.map((atom, i) => pairKey(atom, ring[(i + 1) % ring.length]!))));
}

/** E or Z, from cis or trans of two named neighbours: turned round for each that is not its end's first by CIP rank. */
function stereoOf(
  { stereo, stereoAtoms, atoms: [begin, end] }: JsonMolecule['bonds'][number],
  atoms: readonly PerceivedAtom[],
  ranks: readonly number[] | undefined,
): GraphRowBond['stereo'] {
  if (stereo === undefined || stereo === 'unspecified') return 'none';
  if (!stereoAtoms || !ranks || (stereo !== 'cis' && stereo !== 'trans')) return 'other';
  let together = stereo === 'cis';
  const ends = [
    [begin, end, stereoAtoms[0]],
    [end, begin, stereoAtoms[1]],
  ] as const;
  for (const [self, opposite, named] of ends) {
    for (const { atom } of atoms[self]!.neighbours)
      if (atom !== opposite && ranks[atom]! > ranks[named]!) together = !together;
  }
  return together ? 'Z' : 'E';
}
