import fc from 'fast-check';
import { sealBatch, verifySeal } from '../../src/acquisition';
import { canonicalJson, TitrateError, type BatchSheet } from '../../src/contracts';
import { sha256 } from '../../src/foundation';

const hash = sha256('x');
const unsealed = (): Omit<BatchSheet, 'seal'> => ({
  batchId: 'solubility/batch/2',
  campaignId: 'solubility',
  round: 2,
  property: 'logS',
  unit: 'log mol/l',
  direction: 'maximize',
  modelVersion: 'solubility/v2',
  modelSha256: hash,
  dataVersion: 'dv-1',
  cutId: 'cut-2',
  rule: { strategy: 'ei', batchSize: 1, nested: { kappa: 1 } },
  picks: [
    {
      rank: 1,
      moleculeId: `mol_${hash.slice(0, 32)}`,
      smiles: 'CCO',
      compoundId: 'CPD-1',
      predicted: 0.1 + 0.2,
      standardDeviation: 0.25,
      interval90: [-0.1, 0.7],
      acquisition: 0.05,
      strategy: 'ei',
      reason: 'Expected to improve on the best (0.2) by 0.05.',
    },
  ],
});

/** Every value of the sheet, each changed on its own. */
function mutations(value: unknown, rebuild: (changed: unknown) => unknown): unknown[] {
  if (Array.isArray(value)) {
    return [
      rebuild([...value, value[0] ?? 0]),
      ...value.flatMap((item, i) => mutations(item, (c) => rebuild(value.toSpliced(i, 1, c)))),
    ];
  }
  if (value !== null && typeof value === 'object') {
    return Object.entries(value).flatMap(([key, item]) =>
      mutations(item, (c) => rebuild({ ...value, [key]: c })),
    );
  }
  return [rebuild(typeof value === 'number' ? value + Math.max(Math.abs(value), 1) * 2 ** -50 : `${value}x`)];
}

describe('the seal of a batch', () => {
  it('holds for the sheet that was sealed, also after writing and reading it', () => {
    const sheet = sealBatch(unsealed());
    expect(sheet.seal).toMatch(/^[0-9a-f]{64}$/);
    expect(verifySeal(sheet)).toBe(true);
    expect(verifySeal(JSON.parse(JSON.stringify(sheet)))).toBe(true);
    expect(verifySeal(JSON.parse(canonicalJson(sheet)))).toBe(true);
  });

  it('breaks with any change of any field', () => {
    const sheet = sealBatch(unsealed());
    const { seal: _, ...body } = sheet;
    const changed = mutations(body, (c) => c) as BatchSheet[];
    expect(changed.length).toBeGreaterThan(20);
    for (const mutant of changed)
      expect([canonicalJson(mutant), verifySeal({ ...mutant, seal: sheet.seal })]).toEqual([
        expect.any(String),
        false,
      ]);
    for (const key of Object.keys(body) as (keyof typeof body)[]) {
      const { [key]: gone, ...rest } = sheet;
      expect(gone === undefined || verifySeal(rest as BatchSheet)).toBe(false);
    }
  });

  it('is the same whatever the order of keys', () => {
    const seal = sealBatch(unsealed()).seal;
    const { picks, rule, ...rest } = unsealed();
    expect(
      sealBatch({ picks, ...rest, rule: { nested: rule.nested, batchSize: 1, strategy: 'ei' } }).seal,
    ).toBe(seal);
  });

  it('holds through JSON for any rule that JSON can carry, and is refused for any other', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (rule) => {
        fc.pre(!('__proto__' in rule && Object.hasOwn(rule, '__proto__')));
        expect(verifySeal(JSON.parse(JSON.stringify(sealBatch({ ...unsealed(), rule }))))).toBe(true);
      }),
    );
    for (const odd of [NaN, Infinity, new Date(0), new Map([[1, 2]]), () => 1]) {
      expect(() => sealBatch({ ...unsealed(), rule: { odd } })).toThrow(TitrateError);
    }
  });

  it('is not given to a sheet that is not one', () => {
    expect(() => sealBatch({ ...unsealed(), round: 0 })).toThrow(/round/);
    expect(() => sealBatch({ ...unsealed(), extra: 1 } as never)).toThrow(/extra/);
  });
});
