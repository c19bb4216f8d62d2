import { createChemistry, SCREEN_FINGERPRINT_BITS, type ScreenSpec } from '../../src/chemistry';
import { PROPERTY_NAMES } from '../../src/contracts';
import { describeWithPython, runPython } from '../support/python';
import { ALL_MOLECULES } from './fixtures/molecules';

const chemistry = createChemistry({ threads: 2 });
afterAll(() => chemistry.close());

const PATTERNS = ['[CX3]=[OX1]', '[NX3;!$(N[#6]=[OX1])]', 'a1aaaaa1', '[+,-]', '[R2]', '[#6]~[!#6]~[#6]'];
const EVERYTHING: ScreenSpec = {
  properties: [...PROPERTY_NAMES],
  patterns: PATTERNS,
  scaffold: true,
  fingerprint: true,
};

describeWithPython('what is found of a molecule', () => {
  test('is what Python RDKit finds', async () => {
    const outcomes = await chemistry.screen(ALL_MOLECULES, EVERYTHING);
    const expected = runPython<unknown[]>(
      `
import json, sys, base64
import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator as G, rdMolDescriptors as D
RDLogger.DisableLog('rdApp.*')
request = json.load(sys.stdin)
patterns = [Chem.MolFromSmarts(s) for s in request['patterns']]
generator = G.GetMorganGenerator(radius=2, fpSize=${SCREEN_FINGERPRINT_BITS})
out = []
for smiles in request['smiles']:
    mol = Chem.MolFromSmiles(smiles)
    bits = np.packbits(np.frombuffer(generator.GetFingerprint(mol).ToBitString().encode(), 'u1') - 48, bitorder='little')
    out.append({
        'properties': [Descriptors.MolWt(mol), Crippen.MolLogP(mol), D.CalcTPSA(mol), D.CalcNumHBD(mol), D.CalcNumHBA(mol), D.CalcNumRotatableBonds(mol),
            D.CalcNumRings(mol), D.CalcNumAromaticRings(mol), D.CalcFractionCSP3(mol), mol.GetNumHeavyAtoms(), Chem.GetFormalCharge(mol)],
        'matches': [i for i, p in enumerate(patterns) if mol.HasSubstructMatch(p)],
        'fingerprint': base64.b64encode(bits.tobytes()).decode(),
    })
json.dump(out, sys.stdout)
`,
      { smiles: ALL_MOLECULES, patterns: PATTERNS },
    ) as { properties: number[]; matches: number[]; fingerprint: string }[];
    const scaffolds = await chemistry.scaffolds(ALL_MOLECULES);
    outcomes.forEach((outcome, i) => {
      if (!outcome.ok) throw new Error(`${ALL_MOLECULES[i]}: ${outcome.message}`);
      const { properties, ...found } = outcome;
      const { properties: values, ...rest } = expected[i]!;
      expect({ smiles: ALL_MOLECULES[i], ...found }).toEqual({
        smiles: ALL_MOLECULES[i],
        ok: true,
        scaffold: scaffolds[i],
        ...rest,
      });
      properties.forEach((value, k) => expect(value).toBeCloseTo(values[k]!, 6));
    });
  });
});

test('only what is asked for is looked at, and a molecule that cannot be is an outcome', async () => {
  const spec: ScreenSpec = {
    properties: ['formalCharge'],
    patterns: [],
    scaffold: false,
    fingerprint: false,
  };
  expect(await chemistry.screen(['C[NH3+]', '[O-]C(=O)CC(=O)[O-]', 'c1ccc', 'CCO'], spec)).toEqual([
    { ok: true, properties: [1], matches: [] },
    { ok: true, properties: [-2], matches: [] },
    { ok: false, message: expect.stringMatching(/kekul|unclosed ring/i) as string },
    { ok: true, properties: [0], matches: [] },
  ]);
});

test('what is no SMARTS is said, with the place', async () => {
  expect(await chemistry.patternProblems(['[CX3]=O', 'C((', '', 'c1ccccc1'])).toEqual([
    null,
    expect.stringMatching(/syntax error.*C\(\(/) as string,
    'it has no atom',
    null,
  ]);
});
