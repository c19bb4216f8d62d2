import fc from 'fast-check';
import { advanceClocks, initialState, progressOf, type CampaignState } from '../../src/campaign';
import { CAMPAIGN_STAGES, campaignConfigSchema, type CampaignStage } from '../../src/contracts';
import '../support/property-seed';

const config = campaignConfigSchema.parse({
  objective: { property: 'logS', direction: 'maximize' },
  pool: { sources: [{ uri: 'pool.csv' }] },
});
const DAY = 86_400_000;
const LAB = { closeAfter: 60 * DAY, expectedAfter: 14 * DAY };
const T0 = Date.parse('2026-01-01T00:00:00Z');

/** A campaign through what happens to it, each at its time in seconds from the start. */
function through(...changes: (Partial<CampaignState> & { at: number })[]): CampaignState {
  let state = initialState('esol-42', config);
  state = { ...state, clocks: advanceClocks(state, T0) };
  for (const { at, ...change } of changes) {
    state = { ...state, ...change };
    state = { ...state, clocks: advanceClocks(state, T0 + at * 1000) };
  }
  return state;
}
const told = (state: CampaignState) => progressOf(state, LAB);
const instant = (seconds: number) => new Date(T0 + seconds * 1000).toISOString();

test('since when the stage and the round are what they are; the same again changes nothing', () => {
  const state = through(
    { at: 10, stage: 'ingesting' },
    { at: 30, stage: 'training' },
    { at: 50, message: 'x' },
  );
  expect(told(state)).toMatchObject({
    ...{ stage: 'training', stageSince: instant(30), round: 1, roundSince: instant(0) },
    ...{ paused: false, outstanding: 0, dueAt: null, batchSince: null, forecastSeconds: 0 },
  });
});

test('a pause is a stage of its own: what comes after it begins anew', () => {
  const state = through({ at: 10, stage: 'training' }, { at: 20, paused: true }, { at: 5000, paused: false });
  expect(told(state)).toMatchObject({ stage: 'training', stageSince: instant(5000), paused: false });
});

test('results are expected from the approval of the batch on', () => {
  const batch = { batchId: 'b', sheet: {} as never, inline: null, size: 12, outstanding: 7, approved: true };
  const closesAt = T0 + 100_000 + LAB.closeAfter;
  expect(told(through({ at: 100, batch: { ...batch, closesAt }, stage: 'awaiting-results' }))).toMatchObject({
    ...{ outstanding: 7, batchSince: instant(100), dueAt: new Date(T0 + 100_000 + 14 * DAY).toISOString() },
  });
  expect(
    told(through({ at: 100, batch: { ...batch, closesAt: null }, stage: 'awaiting-approval' })).dueAt,
  ).toBeNull();
});

test("a round's machine time is forecast from the last three; time in the lab is nobody's", () => {
  const rounds = [10, 20, 40, 60].flatMap((seconds, i) => {
    const from = 1000 * i;
    return [
      { at: from, stage: 'training' as const },
      { at: from + seconds, stage: 'awaiting-results' as const },
      { at: from + 900, round: i + 2 },
    ];
  });
  const state = through(...rounds);
  expect(told(state)).toMatchObject({ round: 5, roundSince: instant(3900) });
  // 60 s, and what passed between the start of each round and its training: 100 s in stage awaiting-results, which is the lab's.
  expect(told(state).forecastSeconds).toBe(40);
});

test('whatever happens, times do not run backwards, and machine time is at most the time that passed', () => {
  const change = fc.record({
    stage: fc.constantFrom(...CAMPAIGN_STAGES.filter((stage) => stage !== 'paused')),
    paused: fc.boolean(),
    nextRound: fc.boolean(),
    seconds: fc.nat(5000),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
      let [at, round] = [0, 1];
      const state = through(
        ...changes.map(({ stage, paused, nextRound, seconds }) => {
          at += seconds;
          if (nextRound) round += 1;
          return { at, stage: stage as CampaignStage, paused, round };
        }),
      );
      const { stageSince, roundSince, machineSeconds, earlier } = state.clocks!;
      expect(stageSince).toBeGreaterThanOrEqual(roundSince);
      expect(stageSince).toBeLessThanOrEqual(T0 + at * 1000);
      const machine = machineSeconds + earlier.reduce((sum, one) => sum + one, 0);
      expect(machine).toBeLessThanOrEqual(at + 1e-9);
      expect(earlier.length).toBe(Math.min(3, round - 1));
    }),
  );
});
