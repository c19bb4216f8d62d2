import { createChemistry } from '../../src/chemistry';
import { featurizerSchema, type FeatureMatrix, type FeaturizerInput } from '../../src/contracts';
import { readGraphRow, rowSpan, selectFeatureRows } from '../../src/foundation';
import { describeWithPython, runPython } from '../support/python';
import { ALL_MOLECULES } from './fixtures/molecules';

/** Where conjugation, hybridisation, isotopes, stereo and bond kinds differ from the plain drug. */
const ODD = [
  '[2H]C([2H])([2H])[13CH2][15NH]C(=[18O])[14CH3]',
  '[3H]c1ccccc1[125I]',
  'C[S@](=O)c1ccccc1',
  'CS(=O)(=O)NC(=O)N',
  'O=[N+]([O-])c1ccc(N=[N+]=[N-])cc1',
  'C=C=C/C=C/C#CC#N',
  'C/C(F)=C(Cl)\\Br',
  'F/C(Cl)=C(/Br)I',
  'O/N=C(/C)c1ccccc1',
  '[CH2]C=C',
  'N->[Pt](<-N)(Cl)Cl',
  'C[Si](C)(O)O[Sb](C)C',
  'OB(O)C=C[Te]C',
  'CP1(C)=CC=CN=C1C',
  'F[P-](F)(F)(F)(F)F',
  'FS(F)(F)(F)F',
  '[Na+]',
  '[H][H]',
  'O=I(=O)O',
  `C${'C'.repeat(45)}N`,
  'c1ccc2c(c1)[nH]c1ccccc12',
  'C[n+]1ccn(C)c1',
  'O=c1cc[nH]cc1',
];

const ORACLE = `
import json, sys
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator as G
request = json.load(sys.stdin)
generators = [G.GetMorganGenerator(radius=2), G.GetMorganGenerator(radius=3), G.GetAtomPairGenerator()]
out = []

def standard(smiles):
    # The parser in WebAssembly drops stereo marks of neutral nitrogen, as standardisation does.
    mol = Chem.MolFromSmiles(smiles)
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 7 and atom.GetFormalCharge() == 0:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    return Chem.CanonSmiles(Chem.MolToSmiles(mol))

for smiles in request['smiles']:
    mol = Chem.MolFromSmiles(standard(smiles))
    out.append(dict(
        canonical=Chem.MolToSmiles(mol),
        writings=list(Chem.MolToRandomSmilesVect(mol, 2, randomSeed=7)),
        counts=[sorted(g.GetSparseCountFingerprint(mol).GetNonzeroElements().items()) for g in generators],
        folded=[sum(g.GetCountFingerprint(mol).GetNonzeroElements().values()) for g in generators],
        atoms=[[a.GetAtomicNum(), a.GetTotalDegree(), a.GetTotalNumHs(), a.GetFormalCharge(),
                str(a.GetHybridization()).lower(), a.GetIsAromatic(), a.IsInRing(), a.GetNumRadicalElectrons(),
                a.GetIsotope(), a.GetPropsAsDict(True, True).get('_CIPCode', '')] for a in mol.GetAtoms()],
        bonds=[[b.GetBeginAtomIdx(), b.GetEndAtomIdx(), str(b.GetBondType()).lower(), b.GetIsConjugated(),
                b.IsInRing(), str(b.GetStereo())[6:].lower()] for b in mol.GetBonds()],
    ))
json.dump(out, sys.stdout)
`;

interface Oracle {
  canonical: string;
  writings: string[];
  counts: [number, number][][];
  folded: number[];
  atoms: unknown[][];
  bonds: unknown[][];
}

const words = (features: FeatureMatrix, row: number) =>
  (features.data as Uint32Array).subarray(...rowSpan(features, row));
const pairs = (row: Uint32Array) =>
  Array.from({ length: row.length / 2 }, (_, i): [number, number] => [row[2 * i]!, row[2 * i + 1]!]);

describeWithPython('counts and graphs as Python RDKit of the same version has them', () => {
  const chemistry = createChemistry({ threads: 1 });
  const smiles = [...ALL_MOLECULES, ...ODD];
  let oracle: Oracle[];
  const featurise = (
    spec: FeaturizerInput,
    texts: readonly string[] = oracle.map((entry) => entry.canonical),
  ) =>
    chemistry.featurise(
      texts.map((text, i) => ({ moleculeId: `m${i}`, smiles: text })),
      featurizerSchema.parse(spec),
    );

  beforeAll(() => {
    oracle = runPython<Oracle[]>(ORACLE, { smiles });
  });
  afterAll(() => chemistry.close());

  test.each<[string, FeaturizerInput, number]>([
    ['GetMorganGenerator(radius=2)', { kind: 'morgan-counts', radius: 2 }, 0],
    ['GetMorganGenerator(radius=3)', { kind: 'morgan-counts', radius: 3 }, 1],
    ['GetAtomPairGenerator()', { kind: 'atom-pair-counts' }, 2],
  ])('%s: the same unfolded codes, each as often', async (_, spec, generator) => {
    const features = await featurise(spec);
    expect(features).toMatchObject({ layout: 'counts', columns: 0, rows: smiles.length });
    oracle.forEach(({ counts, folded, canonical }, row) => {
      const own = pairs(words(features, row));
      expect([canonical, own]).toEqual([canonical, counts[generator]]);
      expect(own.reduce((sum, [, count]) => sum + count, 0)).toBe(folded[generator]);
    });
  });

  test('a graph has the atoms and bonds that RDKit has, conjugation and hybridisation among them', async () => {
    const features = await featurise({ kind: 'graph' });
    const label = (chirality: string) => ('RS'.includes(chirality) ? chirality : '');
    oracle.forEach(({ atoms, bonds, canonical }, row) => {
      const graph = readGraphRow(words(features, row));
      expect([
        canonical,
        graph.atoms.map((a) => [
          a.atomicNumber,
          a.degree,
          a.hydrogens,
          a.charge,
          a.hybridisation.replace('other', 'unspecified'),
          a.aromatic,
          a.inRing,
          a.unpaired,
          a.isotope,
          label(a.chirality),
        ]),
      ]).toEqual([canonical, atoms]);
      expect([
        canonical,
        graph.bonds.map((b) => [b.begin, b.end, b.type, b.conjugated, b.inRing, b.stereo.toLowerCase()]),
      ]).toEqual([canonical, bonds]);
    });
  });

  test('however the SMILES is written: the same counts, and the same atoms and bonds in another order', async () => {
    const rows = oracle.flatMap(({ writings }, row) => writings.map((text) => ({ row, text })));
    const texts = rows.map(({ text }) => text);
    const again = (features: FeatureMatrix) =>
      selectFeatureRows(
        features,
        rows.map(({ row }) => row),
      );
    for (const spec of [{ kind: 'morgan-counts' }, { kind: 'atom-pair-counts' }] as const)
      expect((await featurise(spec, texts)).data).toEqual(again(await featurise(spec)).data);
    const content = (features: FeatureMatrix, row: number) => {
      const { atoms, bonds } = readGraphRow(words(features, row));
      const kinds = atoms.map((atom) => JSON.stringify(atom));
      const joined = bonds.map(({ begin, end, ...bond }) =>
        JSON.stringify([bond, ...[kinds[begin], kinds[end]].sort()]),
      );
      return { atoms: kinds.sort(), bonds: joined.sort() };
    };
    const [one, other] = [
      again(await featurise({ kind: 'graph' })),
      await featurise({ kind: 'graph' }, texts),
    ];
    texts.forEach((text, row) => expect([text, content(other, row)]).toEqual([text, content(one, row)]));
  });
});
