import fc from 'fast-check';
import {
  addEvent,
  batchReturned,
  countReceipts,
  currentBatchOf,
  historyOf,
  initialState,
  logbook,
  nextBatchSize,
  rollingOut,
  roundSeed,
  runtimeChange,
  setDeployment,
  statusOf,
  type CampaignState,
} from '../../src/campaign';
import { campaignConfigSchema, type CampaignConfigInput, type RoundSummary } from '../../src/contracts';

const state = (
  config: Partial<CampaignConfigInput> = {},
  rest: Partial<CampaignState> = {},
): CampaignState => ({
  ...initialState(
    'c',
    campaignConfigSchema.parse({
      objective: { property: 'logS', direction: 'maximize' },
      pool: { sources: [{ uri: 'a.csv' }] },
      ...config,
    }),
  ),
  ...rest,
});
const batch = (size: number, outstanding: number) => ({
  batchId: 'c/batch/1',
  sheet: { uri: '', sha256: '0'.repeat(64), bytes: 0, mediaType: '' },
  inline: null,
  size,
  outstanding,
  approved: true,
  closesAt: 0,
});
const round = (n: number, best: number | null) =>
  ({ round: n, best, labels: 10 * n, batchSize: 10, batchId: null }) as RoundSummary;

describe('when the next round starts', () => {
  test('without a batch at once; else when the configured share is back', () => {
    expect(batchReturned(state())).toBe(true);
    const half = state({ lab: { minimumReturned: 0.5 } });
    expect(batchReturned({ ...half, batch: batch(9, 5) })).toBe(false);
    expect(batchReturned({ ...half, batch: batch(9, 4) })).toBe(true);
  });

  test('property: one more result back never turns yes into no, and everything back is always enough', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(500),
        (size, share, out) => {
          const outstanding = Math.min(size, out);
          const s = state({ lab: { minimumReturned: share } });
          const now = batchReturned({ ...s, batch: batch(size, outstanding) });
          if (now && outstanding > 0)
            expect(batchReturned({ ...s, batch: batch(size, outstanding - 1) })).toBe(true);
          expect(batchReturned({ ...s, batch: batch(size, 0) })).toBe(true);
        },
      ),
    );
  });
});

describe('how large the next batch is', () => {
  test('the first one may differ, and the budget of measurements is never overrun', () => {
    const s = state({
      acquisition: { batchSize: 10, initialSize: 25 },
      budget: { rounds: 9, measurements: 40 },
    });
    expect(nextBatchSize(s)).toBe(25);
    expect(nextBatchSize({ ...s, round: 2, assays: 25 })).toBe(10);
    expect(nextBatchSize({ ...s, round: 3, assays: 35 })).toBe(5);
    expect(nextBatchSize({ ...s, round: 4, assays: 40 })).toBe(0);
  });
});

describe('what a campaign tells', () => {
  test('a rollout that ends before its round is on record is not lost', () => {
    const deployment = { status: 'deployed' as const, gates: [], message: 'serves' };
    const early = setDeployment({ ...state(), rollouts: [1] }, 1, deployment);
    expect(rollingOut(early)).toBe(false);
    expect(rollingOut({ ...early, rollouts: [1, 2] })).toBe(true);
    expect(historyOf({ ...early, rounds: [round(1, 3)] }).rounds[0]!.deployment).toEqual(deployment);
  });

  test('counts add up, events are bounded, and the logbook shows each round', () => {
    let s = countReceipts(state(), [
      { status: 'accepted' },
      { status: 'duplicate' },
      { status: 'rejected' },
      { status: 'accepted' },
    ]);
    expect(s.intake).toEqual({ received: 4, accepted: 2, duplicates: 1, rejected: 1 });
    for (let i = 0; i < 300; i++) s = addEvent(s, { at: '', kind: 'test', message: String(i) });
    expect(historyOf(s).events).toHaveLength(100);
    expect(historyOf(s).events.at(-1)!.message).toBe('299');
    const text = logbook({ ...s, rounds: [round(1, null), round(2, 1.23456)] });
    expect(text).toContain('- **round 2**: 20 labels, best 1.235; too few labels for a model; last training');
    expect(statusOf({ ...s, paused: true }).stage).toBe('paused');
    expect(currentBatchOf(s)).toEqual({ batchId: null, sheet: null, ref: null, approved: false });
  });

  test('seeds differ by round and purpose and are 32-bit integers', () => {
    const seeds = [1, 2, 3].flatMap((r) =>
      (['explore', 'train', 'acquire'] as const).map((purpose) => roundSeed(7, r, purpose)),
    );
    expect(new Set(seeds).size).toBe(9);
    for (const seed of seeds) expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
    expect(roundSeed(7, 1, 'train')).toBe(roundSeed(7, 1, 'train'));
  });

  test('a round that was computed elsewhere says so', () => {
    const versions = { rdkit: '1', ruleSet: '1', backendVersion: '4', node: '20' };
    const pin = { ...versions, backend: 'wasm' as const, cpu: 'x64', memberThreads: 2 };
    expect(runtimeChange(null, pin)).toBeNull();
    expect(runtimeChange(pin, { ...pin })).toBeNull();
    expect(runtimeChange(pin, { ...pin, node: '22', cpu: 'arm64' })).toBe('cpu x64 → arm64, node 20 → 22');
  });
});
