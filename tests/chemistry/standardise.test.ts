import fc from 'fast-check';
import { createChemistry, moleculeId, type StandardiseOutcome } from '../../src/chemistry';
import { moleculeSchema, RULE_SETS, type RuleSet, type Standardisation } from '../../src/contracts';
import { MESSY } from './fixtures/messy';
import { ALL_MOLECULES, CHARGE_SEPARATED, SALTS } from './fixtures/molecules';

const CAPS = { maxHeavyAtoms: 300, maxCharacters: 1000 };
const chemistry = createChemistry({ threads: 1 });
afterAll(() => chemistry.close());

const standardise = (
  texts: readonly string[],
  notation: 'smiles' | 'molblock' = 'smiles',
  caps = CAPS,
  standardisation: Standardisation = { ruleSet: 'standard-2', isotopes: 'keep' },
) =>
  chemistry.standardise(
    texts.map((text) => ({ notation, text })),
    caps,
    standardisation,
  );
const byRules = (texts: readonly string[], ruleSet: RuleSet, isotopes: 'keep' | 'strip' = 'keep') =>
  standardise(texts, 'smiles', CAPS, { ruleSet, isotopes });
const smilesOf = (outcomes: readonly StandardiseOutcome[]) =>
  outcomes.map((outcome) => (outcome.ok ? outcome.molecule.smiles : `${outcome.reason}: ${outcome.message}`));

test.each(RULE_SETS)('%s: salts and ions come to the form that a chemist expects', async (ruleSet) => {
  expect(
    smilesOf(
      await byRules(
        SALTS.map(([input]) => input),
        ruleSet,
      ),
    ),
  ).toEqual(SALTS.map(([, standard]) => standard));
});

test.each([
  [
    'a covalent salt, an ionic one and the free acid',
    ['CC(=O)O[Na]', 'CC(=O)[O-].[Na+]', 'CC(=O)O', 'CC(=O)O[Ag]'],
    'CC(=O)O',
  ],
  ['a complex and its ligand', ['NC(N)=[SH][Co](Cl)(Cl)[SH]=C(N)N', 'NC(N)=S'], 'NC(N)=S'],
  ['three writings of a sulfoxide', ['CS(=O)C', 'C[S+]([O-])C', 'CS(C)=O'], 'C[S+](C)[O-]'],
  [
    'a charge drawn on a phenol and on an acid',
    ['C[N+](C)(C)CC(C(=O)O)c1ccc([O-])cc1', 'C[N+](C)(C)CC(C(=O)[O-])c1ccc(O)cc1'],
    'C[N+](C)(C)CC(C(=O)[O-])c1ccc(O)cc1',
  ],
  [
    'a charge drawn on either of two sulfonic acids',
    ['C[N+](C)(CS(=O)(=O)O)CCS(=O)(=O)[O-]', 'C[N+](C)(CS(=O)(=O)[O-])CCS(=O)(=O)O'],
    null,
  ],
] as const)('standard-2: %s are one molecule', async (_, drawings, standard) => {
  const forms = new Set(smilesOf(await byRules(drawings, 'standard-2')));
  expect(forms.size).toBe(1);
  if (standard) expect([...forms]).toEqual([standard]);
});

test('charges that write a bond stay', async () => {
  const outcomes = await standardise(CHARGE_SEPARATED);
  for (const smiles of smilesOf(outcomes)) expect(smiles).toMatch(/\[[^\]]*\+\]/);
});

test('acid and base in either charge state are one molecule', async () => {
  const forms = [
    'NCC(=O)O',
    '[NH3+]CC(=O)O',
    'NCC(=O)[O-]',
    '[NH3+]CC([O-])=O',
    '[Na+].NCC([O-])=O',
    'Cl.NCC(=O)O',
  ];
  expect(new Set(smilesOf(await standardise(forms)))).toEqual(new Set(['NCC(=O)O']));
});

test.each([
  ['standard-1', 'CCN'],
  ['standard-2', 'CCO'],
] as const)(
  '%s: of fragments of one size the choice does not hang on their order or charge',
  async (ruleSet, chosen) => {
    const forms = ['CCO.CCN', 'CCN.CCO', 'CC[O-].CC[NH3+]', 'CC[NH3+].CC[O-]'];
    expect(new Set(smilesOf(await byRules(forms, ruleSet)))).toEqual(new Set([chosen]));
  },
);

test('isotopes go where that is asked for, deuterium too, and a stereocentre that hung on them', async () => {
  const labelled = [
    '[13CH3]C(=O)O',
    '[2H]C([2H])([2H])O',
    '[2H]O[2H]',
    'C[C@H]([2H])O',
    '[125I]c1ccccc1',
    '[14C@@H](F)(Cl)Br',
  ];
  for (const ruleSet of RULE_SETS)
    expect(smilesOf(await byRules(labelled, ruleSet, 'strip'))).toEqual([
      'CC(=O)O',
      'CO',
      'O',
      'CCO',
      'Ic1ccccc1',
      'F[C@H](Cl)Br',
    ]);
});

test('metal and halide fragments with more atoms than the organic one lose to it', async () => {
  expect(smilesOf(await standardise(['CO.F[Sb-](F)(F)(F)(F)F', 'CO.Cl[Co](Cl)(Cl)Cl']))).toEqual([
    'CO',
    'CO',
  ]);
});

test('enantiomers, double bond isomers and isotopes are different molecules', async () => {
  const inputs = [
    'C[C@H](N)C(=O)O',
    'C[C@@H](N)C(=O)O',
    'CC(N)C(=O)O',
    'F/C=C/F',
    'F/C=C\\F',
    'FC=CF',
    'CO',
    '[2H]CO',
  ];
  const ids = (await standardise(inputs)).map((outcome) => outcome.ok && outcome.molecule.moleculeId);
  expect(new Set(ids).size).toBe(inputs.length);
});

test('the outcome meets the contract: id of its SMILES, InChIKey, the raw text trimmed', async () => {
  const [outcome] = await standardise([' OCC.Cl \t\n']);
  if (!outcome?.ok) throw new Error(outcome?.message);
  expect(moleculeSchema.parse(outcome.molecule)).toEqual({
    moleculeId: moleculeId('CCO'),
    smiles: 'CCO',
    inchiKey: 'LFQSCWFLJHTTHZ-UHFFFAOYSA-N',
  });
  expect(outcome.rawSmiles).toBe('OCC.Cl');
  // Minted ids never change: this one is sha256('CCO').
  expect(outcome.molecule.moleculeId).toBe('mol_ab1de819ede91df490e6441934decfa9');
});

const REFUSED = [
  ['', 'molecule-empty', /empty/],
  [' \n', 'molecule-empty', /empty/],
  ['[H][H]', 'molecule-empty', /no heavy atom/],
  ['CCO extra', 'molecule-unparsable', /white space at position 4/],
  ['CCO |$a;b;c$|', 'molecule-unparsable', /white space/],
  ['{"rdkitjson":{"version":12}}', 'molecule-unparsable', /character/],
  ['C\u0000C', 'molecule-unparsable', /character "\\u0000" at position 2/],
  ['c1ccc', 'molecule-unparsable', /unclosed ring/],
  ['C(C)(C)(C)(C)C', 'molecule-unparsable', /Explicit valence for atom # 0 C, 5/],
  ['xyz', 'molecule-unparsable', /position 1/],
  ['CC>>CC', 'molecule-unparsable', /syntax error/],
  ['*CC', 'molecule-unparsable', /placeholder/],
  ['C'.repeat(301), 'molecule-too-large', /301 heavy atoms; the limit is 300/],
  ['['.repeat(800) + 'C' + ']'.repeat(800), 'molecule-too-large', /1601 characters; the limit is 1000/],
] as const;
test.each(REFUSED.map(([text, ...rest]) => [text.slice(0, 30), text, ...rest] as const))(
  '%j is refused',
  async (_, text, reason, message) => {
    const [outcome] = await standardise([text]);
    expect(outcome).toEqual({ ok: false, reason, message: expect.stringMatching(message) });
    expect(outcome!.ok === false && outcome!.message).not.toMatch(/[\n\r]|\[\d\d:\d\d/);
  },
);

describe('molblocks', () => {
  const atom = (symbol: string) => `    0.0000    0.0000    0.0000 ${symbol.padEnd(3)} 0  0  0  0  0  0`;
  const block = (symbols: readonly string[]) =>
    [
      '',
      '  test',
      '',
      `${String(symbols.length).padStart(3)}  0  0  0  0  0  0  0  0  0999 V2000`,
      ...symbols.map(atom),
      'M  END',
      '',
    ].join('\n');

  test('without an end line, without atoms, and with a placeholder are refused', async () => {
    const outcomes = await standardise(['CCO', '', block([]), block(['C', 'A']), block(['Xx1'])], 'molblock');
    expect(outcomes.map((outcome) => !outcome.ok && outcome.reason)).toEqual([
      'molecule-unparsable',
      'molecule-empty',
      'molecule-empty',
      'molecule-unparsable',
      'molecule-unparsable',
    ]);
    expect(outcomes[0]).toMatchObject({ message: /M {2}END/ });
  });

  test('atoms are counted before parsing, hydrogens not', async () => {
    const caps = { maxHeavyAtoms: 5, maxCharacters: 1000 };
    const large = block(['C', 'C', 'C', 'C', 'C', 'C']);
    const v3000 = [
      '',
      '  test',
      '',
      '  0  0  0     0  0            999 V3000',
      'M  V30 BEGIN CTAB',
      'M  V30 COUNTS 6 0 0 0 0',
      'M  V30 BEGIN ATOM',
    ];
    for (let i = 1; i <= 6; i++) v3000.push(`M  V30 ${i} ${i === 6 ? 'H' : 'O'} 0 0 0 0`);
    v3000.push('M  V30 END ATOM', 'M  V30 END CTAB', 'M  END');
    const outcomes = await standardise(
      [large, block(['C', 'H', 'H', 'H', 'H', 'H', 'H']), v3000.join('\n')],
      'molblock',
      caps,
    );
    expect(outcomes[0]).toMatchObject({
      reason: 'molecule-too-large',
      message: '6 heavy atoms; the limit is 5',
    });
    expect(outcomes[1]!.ok === false && outcomes[1]!.reason).not.toBe('molecule-too-large');
    expect(outcomes[2]).toMatchObject({ ok: true, molecule: { smiles: 'O' } });
  });
});

test.each([
  ['standard-1', ALL_MOLECULES],
  ['standard-2', [...ALL_MOLECULES, ...MESSY]],
] as const)('property: %s of a standard form is itself, of any mixture', async (ruleSet, molecules) => {
  const mixture = fc
    .array(fc.constantFrom(...molecules), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('.'));
  await fc.assert(
    fc.asyncProperty(fc.array(mixture, { minLength: 1, maxLength: 20 }), async (texts) => {
      const once = await byRules(texts, ruleSet);
      const standard = once.map((outcome) => {
        if (!outcome.ok) throw new Error(outcome.message);
        return outcome.molecule;
      });
      const twice = await byRules(
        standard.map(({ smiles }) => smiles),
        ruleSet,
      );
      expect(twice.map((outcome) => outcome.ok && outcome.molecule)).toEqual(standard);
      // Nor does the order in which the parts are written matter.
      const reversed = await byRules(
        texts.map((text) => text.split('.').reverse().join('.')),
        ruleSet,
      );
      expect(reversed.map((outcome) => outcome.ok && outcome.molecule)).toEqual(standard);
    }),
    { numRuns: 8, seed: 3 },
  );
});
