import { createChemistry, matrixOfRows } from '../../src/chemistry';
import { moleculeCapsSchema, standardisationSchema, type FeaturizerSpec } from '../../src/contracts';

const chemistry = createChemistry({ threads: 1 });
afterAll(() => chemistry.close());

const caps = moleculeCapsSchema.parse({ maxHeavyAtoms: 60 });
const SPECS: FeaturizerSpec[] = [
  { kind: 'morgan', radius: 2, bits: 2048, counts: 'none' },
  { kind: 'morgan-counts', radius: 3 },
  { kind: 'concatenation', parts: [{ kind: 'maccs' }, { kind: 'descriptors' }] },
  { kind: 'graph' },
  { kind: 'bundle', parts: [{ kind: 'descriptors' }, { kind: 'atom-pair-counts' }] },
];
const WRITTEN = [
  'OCC', 'C1=CC=CC=C1C(=O)O', 'CC(=O)[O-].[Na+]', 'C[N+](C)(C)CC([O-])=O', 'N[C@@H](C)C(=O)O', 'OC(=O)[C@@H](N)C', 'F/C=C/F',
  '[2H]C([2H])([2H])O', 'CN(=O)=O', 'CC(=O)O[Zn]OC(C)=O', 'c1ccc2[nH]ccc2c1', 'CC[NH3+].[Cl-]', '[CH3:1][OH:2]', 'CCO.CCO', 'C1CC', '',
  '*C', '[H][H]', 'C'.repeat(61),
]; // prettier-ignore

test.each(['standard-1', 'standard-2'] as const)(
  '%s: one visit gives what standardising and then featurising gives, also of what comes in its standard form',
  async (ruleSet) => {
    const standardisation = standardisationSchema.parse({ ruleSet });
    const inputs = (texts: readonly string[]) => texts.map((text) => ({ notation: 'smiles' as const, text }));
    const first = await chemistry.standardise(inputs(WRITTEN), caps, standardisation);
    const texts = [...WRITTEN, ...first.flatMap((one) => (one.ok ? [one.molecule.smiles] : []))];
    const standard = await chemistry.standardise(inputs(texts), caps, standardisation);
    const prepared = await chemistry.prepare(inputs(texts), caps, standardisation, SPECS);
    expect(prepared.length).toBe(texts.length);
    prepared.forEach((one, i) => {
      const wanted = standard[i]!;
      if (!one.ok || !wanted.ok) return expect(one).toEqual(wanted);
      const { moleculeId, smiles } = wanted.molecule;
      expect(one.molecule).toEqual({ moleculeId, smiles });
    });
    const molecules = standard.flatMap((one) => (one.ok ? [one.molecule] : []));
    const rows = prepared.flatMap((one) => (one.ok ? [one.rows] : []));
    for (const [i, spec] of SPECS.entries()) {
      const ids = molecules.map(({ moleculeId }) => moleculeId);
      const matrix = matrixOfRows(
        spec,
        ids,
        rows.map((row) => row[i]!),
      );
      expect(matrix).toEqual(await chemistry.featurise(molecules, spec));
    }
    // The standard form of a standard form is itself, though it was parsed another way.
    const kept = prepared.slice(WRITTEN.length).map((one) => one.ok && one.molecule.smiles);
    expect(kept).toEqual(texts.slice(WRITTEN.length));
  },
);
