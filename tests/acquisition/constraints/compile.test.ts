import { constraintsSchema, explainIssues, type Constraints } from '../../../src/contracts';
import { NO_LISTS, rulesReport, whyNothing, type RuleLists } from '../../../src/acquisition/constraints';
import { pickByRank, realMolecules, rulesOver, type RealMolecule, type RulesOptions } from './pool';

let pool: RealMolecule[];
let ids: string[];
beforeAll(async () => {
  pool = await realMolecules(40);
  ids = pool.map(({ moleculeId }) => moleculeId);
});

const lists = (given: Partial<RuleLists>): RuleLists => ({ ...NO_LISTS, ...given });
const rejected = (given: object, options: RulesOptions) =>
  rulesOver(pool, given, options).then(
    () => {
      throw new Error('these rules were accepted');
    },
    (error: Error) => error.message,
  );

test('what must be included and cannot be is an error that names both', async () => {
  const [first] = ids;
  const include = lists({ include: [first!, `mol_${'0'.repeat(32)}`] });
  expect(await rejected({}, { lists: include })).toBe(
    `acquisition.constraints.include: mol_${'0'.repeat(32)} must be included and is not in the pool. Add them to the sources of the pool, or take them off the list.`,
  );
  const both = lists({ include: [first!], exclude: new Set([first!]) });
  expect(await rejected({}, { lists: both })).toMatch(
    new RegExp(`${first} must be included and breaks: not on the exclude list\\. Take them off`),
  );
  const heavy = { properties: { molecularWeight: { from: 5000 } } };
  expect(await rejected(heavy, { lists: lists({ include: [first!] }) })).toMatch(
    /breaks: molecularWeight at least 5000/,
  );
  const dear = { cost: { default: 60, total: 100 } };
  expect(await rejected(dear, { lists: lists({ include: ids.slice(0, 2) }) })).toMatch(
    /the 2 molecules that must be included cost 120, and 100 is left of acquisition\.constraints\.cost\.total \(100\)/,
  );
  // One that was measured since is no longer asked for.
  const rules = await rulesOver(pool, heavy, {
    lists: lists({ include: [first!] }),
    isCandidate: (id) => id !== first,
  });
  expect(rules.wanted).toEqual([]);
});

test('rules that leave nothing are an error that says what each takes out; used up and spent are none', async () => {
  const heavy = await rulesOver(pool, {
    properties: { molecularWeight: { from: 5000 }, rings: { to: 90 } },
    substructures: { exclude: { oxygen: '[#8]' } },
  });
  const nothing = rulesReport(heavy, 8, []);
  expect(() => whyNothing(heavy, nothing)).toThrow(
    expect.objectContaining({
      code: 'batch-infeasible',
      message: expect.stringMatching(
        new RegExp(
          `acquisition\\.constraints: no molecule of the pool keeps the rules of a batch: 0 molecules picked of 8 asked for\\. 0 of ${pool.length} molecules that could be proposed keep the rules; taken out by: molecularWeight at least 5000 \\(${pool.length}\\)`,
        ),
      ) as string,
      parts: expect.objectContaining({ remedy: "Loosen 'molecularWeight at least 5000' first" }) as object,
    }),
  );

  const small = { properties: { molecularWeight: { to: 150 } } };
  const one = await rulesOver(pool, small);
  const light = [...one.table.admittedIds()];
  expect(light.length).toBeGreaterThan(0);
  const later = await rulesOver(pool, small, { isCandidate: (id) => !light.includes(id) });
  expect(whyNothing(later, rulesReport(later, 8, []))).toBe('pool-exhausted');

  const poor = await rulesOver(pool, { cost: { default: 10, total: 100, currency: 'EUR' } }, { spent: 95 });
  const picks = pickByRank(poor, 8, ids);
  const report = rulesReport(poor, 8, picks);
  expect(picks).toEqual([]);
  expect(whyNothing(poor, report)).toBe('budget');
  expect(report).toMatchObject({
    binding: 'money of the campaign (5 left of 100)',
    refused: [{ rule: 'money of the campaign (5 left of 100)', molecules: pool.length }],
  });
});

test('a short batch tells its costs, its plates and what binds', async () => {
  const rules = await rulesOver(pool, {
    cost: { default: 10, perBatch: 45, currency: 'EUR' },
    plates: { wells: 6, controls: 1 },
  });
  const picks = pickByRank(rules, 8, ids);
  expect(rulesReport(rules, 8, picks, ['a note'])).toMatchObject({
    picked: 4,
    binding: 'money of a batch (45)',
    cost: { batch: 40, before: 0, perBatch: 45, unpriced: 0 },
    plates: { plates: 1, wells: 6, controls: 1, empty: 1 },
    words: `4 molecules picked of 8 asked for. ${pool.length} of ${pool.length} molecules that could be proposed keep the rules. of those left, the batch has no room for: ${pool.length - 4}, by money of a batch (45). what binds: money of a batch (45). the batch costs 40 of 45 EUR, the campaign so far 40 EUR. 1 plate of 6 wells with 1 control and 1 empty well. a note`,
  });
});

test('a price that is no number, or none where money is limited, keeps a molecule out; a default stands for none', async () => {
  const [a, b, c] = ids as [string, string, string];
  const costs = new Map<string, number | null>([
    [a, 3],
    [b, null],
  ]);
  const admitted = async (cost: object) => {
    const rules = await rulesOver(pool, { cost }, { lists: lists({ costs }) });
    return [a, b, c].map((id) => rules.admits(id));
  };
  const file = { uri: 'prices.csv' };
  expect(await admitted({ file, perBatch: 10 })).toEqual([true, false, false]);
  expect(await admitted({ file, perBatch: 10, default: 5 })).toEqual([true, false, true]);
  expect(await admitted({ file, perBatch: 2, default: 1 })).toEqual([false, false, true]);
  expect(await admitted({ file })).toEqual([true, true, true]);
});

test('taking what does not fit is refused: no batch breaks a rule', async () => {
  const rules = await rulesOver(pool, {}, { lists: lists({ exclude: new Set([ids[0]!]) }) });
  const draft = rules.begin(1);
  expect(() => draft.take(ids[0]!)).toThrow(/does not fit: it breaks: not on the exclude list/);
  draft.take(ids[1]!);
  expect(draft.whyNot(ids[1]!)).toBe('it is in the batch already');
  expect(draft.whyNot(ids[2]!)).toBe('the batch has all its 1 molecules');
  expect(draft.whyNot('mol_x')).toBe('it is not in the pool');
  expect(() => rulesReport(rules, 2, [ids[0]!])).toThrow(/does not fit/);
});

test('wrong configuration is told by key, value and remedy', () => {
  const problems = (given: object) => {
    const parsed = constraintsSchema.safeParse(given);
    return parsed.success ? [] : explainIssues(constraintsSchema, parsed.error);
  };
  expect(problems({ properties: { molWeight: { to: 5 } } })).toEqual([
    expect.stringMatching(/^properties: unknown key 'molWeight'; (did you mean|known keys: molecularWeight)/),
  ]);
  expect(problems({ properties: { logP: { from: 3, to: 1 } } })).toEqual([
    "properties.logP: 'from' is above 'to'; swap them, or leave one out",
  ]);
  expect(problems({ properties: { logP: {} } })).toEqual(["properties.logP: expected 'from', 'to' or both"]);
  expect(problems({ cost: { perBatch: 10 } })).toEqual([
    "cost: no molecule has a price: give 'default', 'column' or 'file'",
  ]);
  expect(problems({ stock: {} })).toEqual(["stock: expected 'column' or 'file'"]);
  expect(problems({ include: {} })).toEqual(["include: expected 'molecules', 'file' or both"]);
  expect(problems({ substructures: { alerts: ['pains'] } })[0]).toMatch(/reactive.*unstable.*interfering/);
  expect(problems({ plates: { wells: 96, controls: ['A13x'] } })[0]).toMatch(/expected a well such as 'A1'/);
  const good: Constraints = constraintsSchema.parse({ plates: { wells: 96 }, perCluster: { most: 2 } });
  expect(good).toMatchObject({
    plates: { controls: 0, order: 'columns', fill: 'asked' },
    perCluster: { similarity: 0.6 },
  });
});
