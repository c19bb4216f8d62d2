import fc from 'fast-check';
import { createChemistry, moleculeId, type StandardiseOutcome } from '../../src/chemistry';
import { moleculeSchema } from '../../src/contracts';
import { ALL_MOLECULES, CHARGE_SEPARATED, SALTS } from './fixtures/molecules';

const CAPS = { maxHeavyAtoms: 300, maxCharacters: 1000 };
const chemistry = createChemistry({ threads: 1 });
afterAll(() => chemistry.close());

const standardise = (texts: readonly string[], notation: 'smiles' | 'molblock' = 'smiles', caps = CAPS) =>
  chemistry.standardise(
    texts.map((text) => ({ notation, text })),
    caps,
  );
const smilesOf = (outcomes: readonly StandardiseOutcome[]) =>
  outcomes.map((outcome) => (outcome.ok ? outcome.molecule.smiles : `${outcome.reason}: ${outcome.message}`));

test('salts and ions come to the form that a chemist expects', async () => {
  expect(smilesOf(await standardise(SALTS.map(([input]) => input)))).toEqual(
    SALTS.map(([, standard]) => standard),
  );
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

test('of fragments of one size the choice does not hang on their order or charge', async () => {
  const forms = ['CCO.CCN', 'CCN.CCO', 'CC[O-].CC[NH3+]', 'CC[NH3+].CC[O-]'];
  expect(new Set(smilesOf(await standardise(forms)))).toEqual(new Set(['CCN']));
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

test('property: the standard form of a standard form is itself, of any mixture', async () => {
  const mixture = fc
    .array(fc.constantFrom(...ALL_MOLECULES), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('.'));
  await fc.assert(
    fc.asyncProperty(fc.array(mixture, { minLength: 1, maxLength: 20 }), async (texts) => {
      const once = await standardise(texts);
      const molecules = once.map((outcome) => {
        if (!outcome.ok) throw new Error(outcome.message);
        return outcome.molecule;
      });
      const twice = await standardise(molecules.map(({ smiles }) => smiles));
      expect(twice.map((outcome) => outcome.ok && outcome.molecule)).toEqual(molecules);
      // Nor does the order in which the parts are written matter.
      const reversed = await standardise(texts.map((text) => text.split('.').reverse().join('.')));
      expect(reversed.map((outcome) => outcome.ok && outcome.molecule)).toEqual(molecules);
    }),
    { numRuns: 8, seed: 3 },
  );
});
