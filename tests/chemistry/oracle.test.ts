import { createChemistry, DESCRIPTOR_NAMES, moleculeId } from '../../src/chemistry';
import {
  featurizerSchema,
  type FeatureMatrix,
  type FeaturizerInput,
  type Molecule,
} from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import { describeWithPython, runPython } from '../support/python';
import { ALL_MOLECULES, NEUTRAL } from './fixtures/molecules';

const CAPS = { maxHeavyAtoms: 300, maxCharacters: 1000 };
const RULES = { ruleSet: 'standard-1', isotopes: 'keep' } as const;

/** What Python's RDKit says: standard form by its own Uncharger, keys, features in hex, other writings, molblocks. */
const ORACLE = `
import json, sys
import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem import rdFingerprintGenerator as G, rdMolDescriptors as D
from rdkit.Chem.MolStandardize import rdMolStandardize as S
RDLogger.DisableLog('rdApp.*')
request = json.load(sys.stdin)
uncharger = S.Uncharger(True, False, True)
properties = D.Properties()

def standard(smiles):
    mol = Chem.MolFromSmiles(smiles)
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    parts = Chem.GetMolFrags(mol, asMols=True)
    organic = [p for p in parts if any(a.GetAtomicNum() == 6 for a in p.GetAtoms())] or parts
    most = max(p.GetNumHeavyAtoms() for p in organic)
    return min(neutral(p) for p in organic if p.GetNumHeavyAtoms() == most)

def neutral(part):
    mol = Chem.MolFromSmiles(Chem.MolToSmiles(uncharger.uncharge(part)))
    # Of the cyclopentadienyl anion the Uncharger makes something that RDKit itself cannot read.
    mol = mol or part
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 7 and atom.GetFormalCharge() == 0:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    return Chem.CanonSmiles(Chem.MolToSmiles(mol))

def bits(fp):
    return np.packbits(np.frombuffer(fp.ToBitString().encode(), 'u1') - 48, bitorder='little').tobytes().hex()

def features(mol, spec):
    kind = spec['kind']
    if kind == 'maccs':
        return bits(D.GetMACCSKeysFingerprint(mol))
    if kind == 'descriptors':
        return np.array(properties.ComputeProperties(mol), 'f4').tobytes().hex()
    common = dict(fpSize=spec['bits'], countSimulation=spec['counts'] == 'simulated')
    generator = {
        'morgan': lambda: G.GetMorganGenerator(radius=spec['radius'], **common),
        'rdkit': lambda: G.GetRDKitFPGenerator(minPath=spec['minPath'], maxPath=spec['maxPath'], **common),
        'atom-pair': lambda: G.GetAtomPairGenerator(**common),
        'topological-torsion': lambda: G.GetTopologicalTorsionGenerator(**common),
    }[kind]()
    return bits(generator.GetFingerprint(mol))

out = dict(names=list(properties.GetPropertyNames()), molecules=[])
for smiles in request['smiles']:
    text = standard(smiles)
    mol = Chem.MolFromSmiles(text)
    raw = Chem.MolFromSmiles(smiles)
    for atom in raw.GetAtoms():
        atom.SetAtomMapNum(0)
    block = Chem.MolToMolBlock(raw)
    out['molecules'].append(dict(
        smiles=text,
        inchiKey=Chem.MolToInchiKey(mol),
        features=[features(mol, spec) for spec in request['specs']],
        writings=list(Chem.MolToRandomSmilesVect(raw, 4, randomSeed=request['seed'])),
        molblock=block,
        molblockSmiles=Chem.MolToSmiles(Chem.MolFromMolBlock(block)),
    ))
json.dump(out, sys.stdout)
`;

interface Oracle {
  names: string[];
  molecules: (Omit<Molecule, 'moleculeId'> & {
    features: string[];
    writings: string[];
    molblock: string;
    molblockSmiles: string;
  })[];
}

const SPECS: FeaturizerInput[] = [
  ...(['none', 'simulated'] as const).flatMap((counts): FeaturizerInput[] => [
    { kind: 'morgan', radius: 2, bits: 2048, counts },
    { kind: 'morgan', radius: 3, bits: 4096, counts },
    { kind: 'rdkit', bits: 2048, counts },
    { kind: 'rdkit', minPath: 2, maxPath: 5, bits: 1024, counts },
    { kind: 'atom-pair', bits: 2048, counts },
    { kind: 'topological-torsion', bits: 1024, counts },
  ]),
  { kind: 'morgan', radius: 1, bits: 64, counts: 'none' },
  { kind: 'maccs' },
  { kind: 'descriptors' },
];
const specs = SPECS.map((spec) => featurizerSchema.parse(spec));

const rowHex = ({ data, rows }: FeatureMatrix, row: number) => {
  const width = data.byteLength / rows;
  return Buffer.from(data.buffer, data.byteOffset + row * width, width).toString('hex');
};

describeWithPython('bit for bit as Python RDKit of the same version', () => {
  const chemistry = createChemistry({ threads: 2 });
  const smiles = createRandom(20_261).shuffle(ALL_MOLECULES);
  let oracle: Oracle;
  let molecules: Molecule[];

  beforeAll(async () => {
    oracle = runPython<Oracle>(ORACLE, { smiles, specs, seed: 11 });
    const outcomes = await chemistry.standardise(
      smiles.map((text) => ({ notation: 'smiles', text })),
      CAPS,
      RULES,
    );
    molecules = outcomes.map((outcome) => {
      if (!outcome.ok) throw new Error(outcome.message);
      return outcome.molecule;
    });
  });
  afterAll(() => chemistry.close());

  test('standard SMILES and InChIKeys', () => {
    const expected = oracle.molecules.map(({ smiles: text, inchiKey }) => ({
      moleculeId: moleculeId(text),
      smiles: text,
      inchiKey,
    }));
    expect(molecules).toEqual(expected);
  });

  test.each(specs.map((spec, index) => [JSON.stringify(spec), index] as const))('%s', async (_, index) => {
    const matrix = await chemistry.featurise(molecules, specs[index]!);
    expect(matrix.moleculeIds).toEqual(molecules.map(({ moleculeId: id }) => id));
    molecules.forEach(({ smiles: text }, row) => {
      expect([text, rowHex(matrix, row)]).toEqual([text, oracle.molecules[row]!.features[index]]);
    });
  });

  test('descriptors come in the order that their names say', () => {
    expect(DESCRIPTOR_NAMES).toEqual(oracle.names);
  });

  test('other writings of the same structure get the same id', async () => {
    const writings = oracle.molecules.flatMap((molecule, index) =>
      molecule.writings.map((text) => ({ text, id: molecules[index]!.moleculeId })),
    );
    expect(new Set(writings.map(({ text }) => text)).size).toBeGreaterThan(2.5 * smiles.length);
    const outcomes = await chemistry.standardise(
      writings.map(({ text }) => ({ notation: 'smiles', text })),
      CAPS,
      RULES,
    );
    writings.forEach(({ text, id }, index) => {
      const outcome = outcomes[index]!;
      expect([text, outcome.ok && outcome.molecule.moleculeId]).toEqual([text, id]);
      expect(outcome.ok && outcome.rawSmiles).toBe(text);
    });
  });

  test('molblocks give the same molecules, and their own canonical SMILES as the raw one', async () => {
    const blocks = oracle.molecules.map(({ molblock }) => molblock);
    const outcomes = await chemistry.standardise(
      blocks.map((text) => ({ notation: 'molblock', text })),
      CAPS,
      RULES,
    );
    const windows = await chemistry.standardise(
      blocks.map((text) => ({
        notation: 'molblock',
        text: `${text.replace(/\n/g, '\r\n')}> <id>\r\n7\r\n\r\n$$$$\r\n`,
      })),
      CAPS,
      RULES,
    );
    outcomes.forEach((outcome, index) => {
      const { molblockSmiles } = oracle.molecules[index]!;
      expect(outcome).toMatchObject({ ok: true, molecule: molecules[index]!, rawSmiles: molblockSmiles });
      expect(windows[index]).toEqual(outcome);
    });
  });

  test('the oracle looks at what it should', () => {
    expect(smiles.length).toBeGreaterThanOrEqual(60);
    expect(NEUTRAL.filter((text) => /[@/\\]/.test(text)).length).toBeGreaterThan(15);
  });
});
