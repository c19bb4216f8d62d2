import { createChemistry, type StandardiseOutcome } from '../../src/chemistry';
import { describeWithPython, runPython } from '../support/python';
import { MESSY } from './fixtures/messy';
import { ALL_MOLECULES } from './fixtures/molecules';

const CAPS = { maxHeavyAtoms: 300, maxCharacters: 1000 };
const RULES = { ruleSet: 'standard-2', isotopes: 'keep' } as const;

/**
 * Where standard-2 differs from RDKit's standardiser, and how: docs/standardisation.md gives the reason of each class. A structure
 * that starts to agree fails here as one that stops to agree does.
 */
const DIFFERENCES: Readonly<Record<string, string>> = {
  // Cyclopentadienyl keeps its charge; RDKit's Uncharger makes of it what RDKit cannot read.
  'C1=CC=C[CH-]1.[Li+]': 'c1cc[cH-]c1 and not null',
  'CC1=CC=CC1[Fe]C1C=CC=C1': 'Cc1ccc[cH-]1 and not null',
  // Stereo marks on neutral nitrogen go.
  'CC[C@@H]1C[N@]2CC[C@@H]1C[C@H]2[C@H](O)c1ccnc2ccccc12':
    'CC[C@@H]1CN2CC[C@@H]1C[C@H]2[C@H](O)c1ccnc2ccccc12 and not CC[C@@H]1C[N@]2CC[C@@H]1C[C@H]2[C@H](O)c1ccnc2ccccc12',
  'CN1CC[N@]2CC[C@@H]1C2': 'CN1CCN2CC[C@@H]1C2 and not CN1CC[N@]2CC[C@@H]1C2',
  // Mesoionic rings stay aromatic; RDKit's charge recombination adds hydrogens to them.
  'COc1ccc(CC[n+]2cc([O-])on2)cc1': 'COc1ccc(CC[n+]2cc([O-])on2)cc1 and not COc1ccc(CCN2CC(=O)ON2)cc1',
  'O=c1cc([O-])[n+](C)c2sccn12': 'C[n+]1c([O-])cc(=O)n2ccsc21 and not CN1C(=O)CC(=O)N2CCSC12',
  // No hydride is added to a carbocation.
  'C[CH+]C': 'C[CH+]C and not CCC',
  // A thiocarbonyl ligand drawn with a hydrogen loses it with the metal.
  'NC(N)=[SH][Co](Cl)(Cl)[SH]=C(N)N': 'NC(N)=S and not NC(N)=[SH]',
};

/** RDKit's own standardiser: clean-up, largest organic fragment by heavy atoms, uncharged, canonical SMILES; other writings. */
const ORACLE = `
import json, sys
from rdkit import Chem, RDLogger
from rdkit.Chem.MolStandardize import rdMolStandardize as S
RDLogger.DisableLog('rdApp.*')
parameters = S.CleanupParameters()
parameters.preferOrganic = True
parameters.largestFragmentChooserCountHeavyAtomsOnly = True
chooser, uncharger = S.LargestFragmentChooser(parameters), S.Uncharger()

def canonical(text):
    mol = Chem.MolFromSmiles(text)
    return None if mol is None else Chem.MolToSmiles(mol)

def standard(smiles):
    try:
        return canonical(Chem.MolToSmiles(uncharger.uncharge(chooser.choose(S.Cleanup(Chem.MolFromSmiles(smiles))))))
    except Exception as error:
        return None

out = []
for smiles in json.load(sys.stdin):
    mol = Chem.MolFromSmiles(smiles)
    out.append(dict(
        standard=standard(smiles),
        writings=list(Chem.MolToRandomSmilesVect(mol, 2, randomSeed=7)) + [Chem.MolToSmiles(mol, kekuleSmiles=False)],
    ))
json.dump(out, sys.stdout)
`;

const SCAFFOLDS = `
import json, sys
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold
json.dump([Chem.CanonSmiles(MurckoScaffold.MurckoScaffoldSmiles(s)) for s in json.load(sys.stdin)], sys.stdout)
`;

interface Judgement {
  standard: string | null;
  writings: string[];
}

describeWithPython("standard-2 and RDKit's own standardiser", () => {
  const chemistry = createChemistry({ threads: 2 });
  afterAll(() => chemistry.close());
  const standardise = (texts: readonly string[]) =>
    chemistry.standardise(
      texts.map((text) => ({ notation: 'smiles', text })),
      CAPS,
      RULES,
    );
  const smilesOf = (outcome: StandardiseOutcome) => (outcome.ok ? outcome.molecule.smiles : outcome.message);
  const inputs = [...MESSY, ...ALL_MOLECULES.filter((text) => !text.includes(':'))];
  let oracle: Judgement[];
  let ours: string[];

  beforeAll(async () => {
    oracle = runPython<Judgement[]>(ORACLE, inputs);
    ours = (await standardise(inputs)).map(smilesOf);
  });

  test('agree on every structure but the listed ones', () => {
    const seen = Object.fromEntries(
      inputs.flatMap((input, index) =>
        oracle[index]!.standard === ours[index]
          ? []
          : [[input, `${ours[index]} and not ${oracle[index]!.standard}`]],
      ),
    );
    expect(seen).toEqual(DIFFERENCES);
  });

  test('other writings of the same structure get the same standard form', async () => {
    const writings = oracle.flatMap((judgement, index) =>
      judgement.writings.map((text) => ({ text, index })),
    );
    const outcomes = await standardise(writings.map(({ text }) => text));
    writings.forEach(({ text, index }, i) => {
      expect([inputs[index], text, smilesOf(outcomes[i]!)]).toEqual([inputs[index], text, ours[index]]);
    });
    expect(new Set(writings.map(({ text }) => text)).size).toBeGreaterThan(1.3 * inputs.length);
  });

  test("scaffolds are RDKit's MurckoScaffold", async () => {
    const molecules = [...new Set([...ours, ...ALL_MOLECULES.filter((text) => !text.includes('.'))])];
    const expected = runPython<string[]>(SCAFFOLDS, molecules);
    const scaffolds = await chemistry.scaffolds(molecules);
    expect(molecules.map((smiles, index) => [smiles, scaffolds[index]])).toEqual(
      molecules.map((smiles, index) => [smiles, expected[index]]),
    );
    expect(scaffolds.filter((text) => text === '').length).toBeGreaterThan(20);
    expect(new Set(scaffolds).size).toBeGreaterThan(30);
  });
});
