import {
  batchSheetSchema,
  campaignConfigSchema,
  labResultSchema,
  parseWith,
  PARETO_STRATEGIES,
  propertiesOf,
  strategySchema,
} from '../../src/contracts';

const logP = { property: 'logP', direction: 'minimize' };
const config = (objective: object, more: object = {}) => ({
  objective: { property: 'logS', direction: 'maximize', ...objective },
  pool: { sources: [{ uri: 'a.csv' }] },
  ...more,
});
const several = { goal: 'pareto', others: [logP] };

describe('an objective of several properties', () => {
  test('names each property once, with direction, unit and reference of its own', () => {
    const objective = {
      ...{ ...several, unit: 'log(mol/L)', reference: -6 },
      others: [logP, { property: 'IC50', direction: 'minimize', unit: 'nM', reference: 100 }],
    };
    const parsed = campaignConfigSchema.parse(config(objective));
    expect(propertiesOf(parsed.objective)).toEqual([
      { property: 'logS', direction: 'maximize', unit: 'log(mol/L)', reference: -6 },
      ...objective.others,
    ]);
    expect(propertiesOf(campaignConfigSchema.parse(config({})).objective)).toEqual([
      { property: 'logS', direction: 'maximize' },
    ]);
  });

  test.each([
    ['no others', { goal: 'pareto' }, {}, /objective.others: goal 'pareto' needs others/],
    ['another goal', { others: [logP] }, {}, /objective.others: several properties need goal 'pareto'/],
    ['none of them', { goal: 'pareto', others: [] }, {}, /objective.others/],
    ['five in all', { goal: 'pareto', others: ['a', 'b', 'c', 'd'].map((property) => ({ ...logP, property })) }, {}, /objective.others/], // prettier-ignore
    ['one twice', { goal: 'pareto', others: [logP, logP] }, {}, /'logP' stands there twice/],
    [
      'the first again',
      { goal: 'pareto', others: [{ ...logP, property: 'logS' }] },
      {},
      /'logS' stands there twice/,
    ],
    ['a reference of one property', { reference: 1 }, {}, /objective.reference: a reference is where/],
    ['a target', { ...several, target: 1 }, {}, /objective.target: a target ends a campaign at one value/],
    ['a plateau', several, { stopping: { plateau: {} } }, /stopping: plateau and gain judge the best value/],
    ['rounds without gain', several, { stopping: { plateauRounds: 2 } }, /plateauRounds counts rounds/],
    ['a misspelt key', { goal: 'pareto', others: [{ ...logP, directoin: 'x' }] }, {}, /unknown key 'directoin'; did you mean 'direction'/], // prettier-ignore
    [
      'ehvi for one',
      {},
      { acquisition: { strategy: 'ehvi' } },
      /acquisition.strategy: ehvi .*needs goal 'pareto'/,
    ],
  ])('with %s is refused in words', (_, objective, more, message) => {
    expect(() => parseWith(campaignConfigSchema, config(objective, more), 'campaign.json')).toThrow(message);
  });

  test.each(strategySchema.options.map((strategy) => [strategy]))(
    'chosen by %s or told what there is',
    (strategy) => {
      const result = campaignConfigSchema.safeParse(config(several, { acquisition: { strategy } }));
      expect(result.success).toBe((PARETO_STRATEGIES as readonly string[]).includes(strategy));
      if (!result.success) expect(result.error.issues[0]!.message).toContain('auto, random, ehvi, thompson');
    },
  );

  test('results and sheets name properties; those of one property are as they were', () => {
    const result = { resultId: 'r', smiles: 'C', value: 1 };
    expect(labResultSchema.parse({ ...result, property: 'logP' }).property).toBe('logP');
    expect(labResultSchema.parse(result)).not.toHaveProperty('property');
    expect(batchSheetSchema.shape.others.safeParse(undefined).success).toBe(true);
  });
});
