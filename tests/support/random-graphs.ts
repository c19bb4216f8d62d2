import { featurizerSchema, type FeatureMatrix } from '../../src/contracts';
import { writeGraphRow, type GraphRow, type Random } from '../../src/foundation';

type Atom = GraphRow['atoms'][number];

const ATOM: Atom = {
  atomicNumber: 6,
  degree: 4,
  hydrogens: 0,
  charge: 0,
  chirality: 'none',
  hybridisation: 'sp3',
  aromatic: false,
  inRing: false,
  unpaired: 0,
  isotope: 0,
};

/** A tree of carbon, nitrogen and oxygen with one ring closed where it is large enough: no chemistry, but every part of a graph. */
export function randomGraph(atoms: number, random: Random): GraphRow {
  const bond = { conjugated: false, inRing: false, stereo: 'none' } as const;
  const types = ['single', 'double', 'aromatic'] as const;
  const bonds: GraphRow['bonds'][number][] = Array.from({ length: Math.max(0, atoms - 1) }, (_, i) => ({
    begin: random.below(i + 1),
    end: i + 1,
    type: types[random.below(3)]!,
    ...bond,
  }));
  if (atoms > 5) bonds.push({ begin: 0, end: atoms - 1, type: 'single', ...bond, inRing: true });
  const list = Array.from({ length: atoms }, (_, i): Atom => {
    const degree = bonds.filter(({ begin, end }) => begin === i || end === i).length;
    return { ...ATOM, atomicNumber: 6 + random.below(3), degree, hydrogens: random.below(3) };
  });
  return { atoms: list, bonds };
}

/** Graphs as a feature matrix, each with descriptors in front when there are some. */
export function graphMatrix(
  graphs: readonly GraphRow[],
  descriptors?: readonly Float32Array[],
): FeatureMatrix {
  const columns = descriptors?.[0]?.length ?? 0;
  const rows = graphs.map((graph, row) => [
    ...new Uint32Array(descriptors?.[row]?.slice().buffer ?? new ArrayBuffer(0)),
    ...writeGraphRow(graph),
  ]);
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length));
  return {
    spec: featurizerSchema.parse({ kind: 'graph' }),
    moleculeIds: graphs.map((_, i) => `m${i}`),
    rows: graphs.length,
    columns,
    layout: 'graph',
    data: Uint32Array.from(rows.flat()),
    offsets,
  };
}
