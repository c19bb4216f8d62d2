import { renderReport } from '../../src/reporting';
import type { LoadedRound } from '../../src/reporting/dossier';
import type { PickOutcome } from '../../src/reporting/outcomes';
import { yardstickOf } from '../../src/reporting/yardstick';
import { createRandom } from '../../src/foundation';
import { describeWithPython, runPython } from '../support/python';
import { simulateCampaign } from './support/campaign';
import { rdkitDepict } from './support/depict';
import { find, parsePage, readable, tableRows } from './support/page';

interface Kind {
  readonly strategy: string;
  readonly values: readonly number[];
  readonly predicted?: number;
}

/** A round whose picks were measured. */
function round(nth: number, kinds: readonly Kind[]): [LoadedRound, PickOutcome[]] {
  const outcomes = kinds.flatMap(({ strategy, values, predicted }) =>
    values.map((value) => ({
      pick: {
        strategy,
        predicted,
        ...(predicted !== undefined && { interval90: [predicted - 1, predicted + 1] }),
      },
      ...{ status: 'measured', row: { value, qualifier: '=' }, improved: false },
    })),
  );
  return [{ round: nth } as LoadedRound, outcomes as unknown as PickOutcome[]];
}
const read = (...rounds: [LoadedRound, PickOutcome[]][]) =>
  yardstickOf({ rounds: rounds.map(([each]) => each) }, new Map(rounds));

const random = { strategy: 'random', predicted: 1 };
const chosen = { strategy: 'ucb', predicted: 3 };

test('picks by chance beside chosen ones, round by round and together', () => {
  const found = read(
    round(1, [{ strategy: 'random', values: [9, 9, 9] }]),
    round(2, [
      { ...random, values: [1, 3] },
      { ...chosen, values: [3, 5] },
      { strategy: 'required', predicted: 0, values: [100] },
    ]),
    round(3, [{ ...chosen, values: [4] }]),
    round(4, [
      { ...random, values: [0.5] },
      { ...chosen, values: [3.5] },
    ]),
  )!;
  expect(found.rounds.map((each) => [each.round, each.random.n, each.chosen.n])).toEqual([
    [2, 2, 2],
    [4, 1, 1],
  ]);
  expect(found.random).toMatchObject({ n: 3, mean: 1.5, inside: 2, withInterval: 3 });
  expect(found.random.rmse).toBeCloseTo(Math.sqrt((0 + 4 + 0.25) / 3), 12);
  expect(found.chosen).toMatchObject({ n: 3, inside: 2 });
  expect(found.chosen.mean).toBeCloseTo(11.5 / 3, 12);
  expect(found.gain).toBeNull();
});

test('is nothing where there is no model, no random share, or no choice', () => {
  expect(read(round(1, [{ strategy: 'random', values: [1, 2, 3] }]))).toBeNull();
  expect(read(round(2, [{ ...chosen, values: [1, 2, 3] }]))).toBeNull();
  expect(read(round(2, [{ ...random, values: [1, 2, 3] }]))).toBeNull();
});

test('a bound is neither a mean nor an error', () => {
  const [loaded, outcomes] = round(2, [
    { ...random, values: [1, 2] },
    { ...chosen, values: [3] },
  ]);
  outcomes[0] = { ...outcomes[0]!, row: { ...outcomes[0]!.row!, qualifier: '<' } };
  expect(read([loaded, outcomes])!.random.n).toBe(1);
});

describeWithPython('SciPy', () => {
  test.each([
    [6, 40, 1],
    [5, 5, 0.2],
    [30, 200, 3],
  ])('gives the same interval of the difference for %d random and %d chosen picks', (few, many, spread) => {
    const numbers = createRandom(few);
    const [a, b] = [
      Array.from({ length: few }, () => numbers.normal()),
      Array.from({ length: many }, () => 1 + spread * numbers.normal()),
    ];
    const found = read(
      round(2, [
        { ...random, values: a },
        { ...chosen, values: b },
      ]),
    )!;
    const script = `
import json, sys
from scipy import stats
a, b = json.load(sys.stdin)
interval = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
print(json.dumps([interval.low, interval.high]))`;
    const expected = runPython<[number, number]>(script, [a, b]);
    const { difference, interval } = found.gain!;
    const half = (expected[1] - expected[0]) / 2;
    expect(difference).toBeCloseTo((expected[0] + expected[1]) / 2, 9);
    expect(Math.abs((interval[1] - interval[0]) / 2 / half - 1)).toBeLessThan(0.01);
  });
});

test('the report has it, and leaves it out of a campaign without a random share', async () => {
  const depict = await rdkitDepict();
  const pageOf = async (randomShare: number) => {
    const { record, load } = simulateCampaign({
      ...{ rounds: 4, poolSize: 200 },
      config: { acquisition: { batchSize: 16, strategy: 'ei', randomShare } },
    });
    return parsePage(await renderReport({ record, load, depict, generatedAt: '2026-11-28T12:00:00Z' }));
  };
  const page = await pageOf(0.25);
  const caption = 'Picks drawn by chance beside those that were chosen';
  const rows = tableRows(page, caption);
  expect(rows.at(-1)![0]).toBe('all');
  const total = (column: number) => rows.slice(0, -1).reduce((sum, row) => sum + Number(row[column]), 0);
  expect(Number(rows.at(-1)![1])).toBe(total(1));
  expect(Number(rows.at(-1)![5])).toBe(total(5));
  const finding = find(page, (e) => e.name === 'p')
    .map(readable)
    .find((text) => text.includes('drawn by chance beside'));
  expect(finding).toMatch(/95 % interval/);
  expect(find(await pageOf(0), (e) => e.name === 'caption').map(readable)).not.toContain(caption);
});
