import {
  designFeaturizer,
  initialState,
  prospectsWanted,
  roundsLeft,
  stopByProspects,
  stopFor,
  type CampaignState,
} from '../../src/campaign';
import {
  campaignConfigSchema,
  featurizerName,
  type CampaignConfigInput,
  type Prospects,
  type RoundSummary,
} from '../../src/contracts';

const configOf = (config: Partial<CampaignConfigInput> = {}) =>
  campaignConfigSchema.parse({
    objective: { property: 'logS', direction: 'maximize' },
    pool: { sources: [{ uri: 'a.csv' }] },
    ...config,
  });
const state = (
  config: Partial<CampaignConfigInput> = {},
  rest: Partial<CampaignState> = {},
): CampaignState => ({ ...initialState('c', configOf(config)), ...rest });
/** Best values known when each round began. */
const after = (s: CampaignState, ...bests: (number | null)[]): CampaignState => ({
  ...s,
  rounds: bests.map((best, i) => ({ round: i + 1, best }) as RoundSummary),
  round: bests.length + 1,
});

describe('when a campaign ends', () => {
  test('by request, target, budget of rounds or of measurements, each with its numbers', () => {
    expect(stopFor(state(), null)).toBeNull();
    expect(stopFor(state({}, { stopRequested: true }), null)).toEqual({
      reason: 'stopped',
      why: 'it was asked to stop',
    });
    const target = { objective: { property: 'p', direction: 'minimize' as const, unit: 'nM', target: -9 } };
    expect(stopFor(state(target), -8.9)).toBeNull();
    expect(stopFor(state(target), -9.25)).toEqual({
      reason: 'target',
      why: '-9.25 nM was measured, and the target is -9',
    });
    expect(stopFor(state({ budget: { rounds: 3 } }, { round: 4 }), 1)).toEqual({
      reason: 'budget',
      why: 'the budget of 3 rounds is used up',
    });
    expect(stopFor(state({ budget: { measurements: 5 } }, { assays: 5 }), 1)).toEqual({
      reason: 'budget',
      why: 'the budget of 5 measurements is used up: 5 were handed out',
    });
  });

  test('at a plateau only after that many rounds without a better value', () => {
    const s = state({ stopping: { plateauRounds: 2 }, budget: { rounds: 50 } });
    expect(stopFor(after(s, null, 1, 2), 2)).toBeNull();
    expect(stopFor(after(s, null, 1, 1), 1)).toEqual({
      reason: 'plateau',
      why: 'nothing better than 1 came in 2 rounds',
    });
    expect(stopFor(after(s, null, 1, 1), 1.5)).toBeNull();
    expect(stopFor(after(s, null, null, null), null)).toBeNull();
  });
});

describe('when a campaign ends because of what its model expects', () => {
  const prospects: Prospects = {
    ...{ best: 8.125, margin: 0.2, left: 9000, drawn: 500, chance: 0.031 },
    ...{ batchGain: 0.013, batchSize: 32 },
  };
  const objective = { property: 'p', direction: 'maximize' as const, unit: 'pIC50' };
  const confident = configOf({
    objective,
    stopping: { plateau: { rounds: 2, confidence: 0.95, margin: 0.2 } },
  });

  test('the model is asked only where a rule needs it', () => {
    expect(prospectsWanted(state({ stopping: { plateauRounds: 3 } }), 1)).toBeNull();
    const s = after(state({ stopping: { plateau: { margin: 0.5 } } }), null, 1, 1);
    expect(prospectsWanted(s, 1)).toEqual({ margin: 0.5, withoutGain: 2 });
    expect(prospectsWanted(s, 2)).toEqual({ margin: 0.5, withoutGain: 0 });
  });

  test('a plateau takes both: rounds without a better value, and a small chance that one is left', () => {
    expect(stopByProspects(confident, { withoutGain: 2 }, prospects)).toEqual({
      reason: 'plateau',
      why:
        'nothing better than 8.125 pIC50 came in 2 rounds, and the model gives 3.1 % to any of the 9000 molecules left being better ' +
        'than 8.125 pIC50 by more than 0.2 pIC50; the campaign ends below 5 %',
    });
    expect(stopByProspects(confident, { withoutGain: 1 }, prospects)).toBeNull();
    expect(stopByProspects(confident, { withoutGain: 2 }, { ...prospects, chance: 0.051 })).toBeNull();
  });

  test('a batch has to be worth what it costs, molecules and measurements', () => {
    const priced = configOf({
      objective,
      stopping: { gain: { worthPerUnit: 1000, costPerMeasurement: 0.25 } },
    });
    expect(stopByProspects(priced, { withoutGain: 0 }, prospects)).toBeNull();
    expect(stopByProspects(priced, { withoutGain: 0 }, { ...prospects, batchPrice: 5.5 })).toEqual({
      reason: 'gain-below-cost',
      why: 'the next batch of 32 is expected to improve the best value by 0.013 pIC50, worth 13, and would cost 13.5',
    });
  });

  test('only a campaign that looks for the best has a best value to judge', () => {
    const learning = { ...objective, goal: 'learn' as const };
    expect(() => configOf({ objective: learning, stopping: { plateau: {} } })).toThrow(/only goal 'best'/);
  });
});

test('rounds that are left are those that the measurements allow', () => {
  const acquisition = { batchSize: 10, initialSize: 20 };
  const s = state({ acquisition, budget: { rounds: 6, measurements: 45 } });
  expect(roundsLeft(s)).toBe(3);
  expect(roundsLeft({ ...s, round: 3, assays: 30 })).toBe(1);
  expect(roundsLeft(state({ acquisition, budget: { rounds: 6 } }, { round: 6 }))).toBe(0);
});

test('a first batch is designed on the first features that hold vectors, and on counts where there are none', () => {
  const on = (...featurizers: NonNullable<CampaignConfigInput['featurizers']>) =>
    featurizerName(designFeaturizer(configOf({ featurizers })));
  const graph = { kind: 'graph' as const };
  expect(on(graph, { kind: 'maccs' })).toBe('maccs');
  expect(on({ kind: 'bundle', parts: [graph, { kind: 'maccs' }] })).toBe('graph & maccs');
  expect(on({ kind: 'concatenation', parts: [graph, { kind: 'descriptors' }] })).toBe(
    'morgan3-counts+atom-pair-counts+descriptors',
  );
});
