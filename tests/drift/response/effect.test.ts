import type { DriftAction, DriftActionRecord, DriftEffect, DriftFigures } from '../../../src/contracts';
import {
  emptySample,
  FALSE_EFFECTS,
  figuresOf,
  judgeEffect,
  LEAST_ROWS,
  pooledFigures,
  recordOf,
} from '../../../src/drift';
import { createRandom, studentQuantile, type Random } from '../../../src/foundation';

type Draw = (random: Random) => number;
const normal: Draw = (random) => random.normal();
/** Student's t with three degrees of freedom: residuals with tails. */
const heavy: Draw = (random) =>
  random.normal() / Math.sqrt((random.normal() ** 2 + random.normal() ** 2 + random.normal() ** 2) / 3);

const sampleOf = (errors: readonly number[]) => ({
  ...emptySample,
  rows: errors.length,
  observed: Float64Array.from(errors),
  predicted: new Float64Array(errors.length),
});
const drawn = (n: number, draw: Draw, random: Random, scale = 1) =>
  Array.from({ length: n }, () => scale * draw(random));

const taken = (before: DriftFigures, action: DriftAction = 'retrain') =>
  recordOf({ action, before }, 'done', '2026-11-01T00:00:00.000Z');
type Judged = ReturnType<typeof taken>;

/** Judged by one window after the other until something is said, or there are no more. */
function course(before: DriftFigures, windows: Iterable<DriftFigures>, action?: DriftAction): Judged {
  let record = taken(before, action);
  for (const window of windows) {
    record = judgeEffect(record, window);
    if (record.effect !== 'not-known-yet') break;
  }
  return record;
}

function* repeated(times: number, window: () => DriftFigures): Generator<DriftFigures> {
  for (let i = 0; i < times; i++) yield window();
}

/** How often each effect is said of so many actions. */
function shares(
  runs: number,
  seed: number,
  one: (random: Random) => DriftEffect,
): Record<DriftEffect, number> {
  const random = createRandom(seed);
  const count = { helped: 0, 'no-change': 0, worse: 0, 'not-known-yet': 0 };
  for (let run = 0; run < runs; run++) count[one(random)] += 1 / runs;
  return count;
}

const RUNS = 1000;
const WINDOWS = 9;
/** Of a share that is to be half of FALSE_EFFECTS, what RUNS draws may exceed it by: three standard errors. */
const ALLOWED = FALSE_EFFECTS / 2 + 3 * Math.sqrt(FALSE_EFFECTS / 2 / RUNS);

describe.each([
  ['normal residuals', normal],
  ['residuals with heavy tails', heavy],
])('an action without effect, %s', (_, draw) => {
  test.each([
    [200, 48],
    [48, 24],
    [LEAST_ROWS, LEAST_ROWS],
  ])('before and after as two samples of %i and %i rows', (before, window) => {
    const found = shares(RUNS, 5, (random) => {
      const later = repeated(WINDOWS, () => figuresOf(sampleOf(drawn(window, draw, random))));
      return course(figuresOf(sampleOf(drawn(before, draw, random))), later).effect;
    });
    expect(found.helped).toBeLessThan(ALLOWED);
    expect(found.worse).toBeLessThan(ALLOWED);
    expect(found['not-known-yet']).toBe(0);
  });

  test('the state before asked about the same rows', () => {
    const found = shares(RUNS, 6, (random) => {
      const later = repeated(WINDOWS, () => {
        // Half of an error is the molecule's, half that of the model, before as after.
        const molecule = drawn(32, draw, random);
        const sample = { ...sampleOf(molecule), predicted: Float64Array.from(drawn(32, draw, random)) };
        return figuresOf(sample, Float64Array.from(drawn(32, draw, random)));
      });
      return course(figuresOf(sampleOf(drawn(200, draw, random))), later).effect;
    });
    expect(found.helped).toBeLessThan(ALLOWED);
    expect(found.worse).toBeLessThan(ALLOWED);
  });
});

test('an error that falls by a third is seen to, and one that rises by a half', () => {
  const after = (scale: number) =>
    shares(300, 7, (random) => {
      const later = repeated(6, () => figuresOf(sampleOf(drawn(48, normal, random, scale))));
      return course(figuresOf(sampleOf(drawn(200, normal, random))), later).effect;
    });
  expect(after(2 / 3).helped).toBeGreaterThan(0.95);
  expect(after(1.5).worse).toBeGreaterThan(0.95);
});

test('on the same rows less is needed: what the molecules differ by is no noise', () => {
  const effects = (paired: boolean) =>
    shares(300, 8, (random) => {
      const molecule = drawn(48, normal, random);
      const before = Float64Array.from(molecule, (value) => 0.2 * value - Math.sign(value));
      const after = {
        ...sampleOf(molecule),
        predicted: Float64Array.from(molecule, (value) => 0.2 * value - 0.8 * Math.sign(value)),
      };
      const later = figuresOf(after, paired ? before : null);
      return course(figuresOf({ ...sampleOf(drawn(48, normal, random)) }), [later]).effect;
    });
  const was = figuresOf(
    { ...sampleOf([1, 2, 3]), predicted: Float64Array.from([0, 0, 0]) },
    Float64Array.from([-1, -1, -1]),
  );
  expect(was.gain).toMatchObject({ rows: 3, mean: 1 });
  expect(effects(true).helped).toBeCloseTo(1, 9);
  expect(effects(false).helped).toBeLessThan(0.9);
});

test('no verdict on a few rows, and none before anything was done', () => {
  const random = createRandom(9);
  const before = figuresOf(sampleOf(drawn(200, normal, random)));
  const few = figuresOf(sampleOf(drawn(LEAST_ROWS - 1, normal, random, 0.01)));
  const one = judgeEffect(taken(before), few);
  expect(one).toMatchObject({ effect: 'not-known-yet', judged: 0, after: few });
  expect(one.effectSentence).toMatch(/Too few rows/);
  // A second window makes them enough.
  expect(judgeEffect(one, few)).toMatchObject({ effect: 'helped', judged: 1 });
  const waiting: Judged = { ...taken(before), state: 'waiting' };
  expect(judgeEffect(waiting, few)).toBe(waiting);
});

test('a small difference on many rows is none; a verdict stays; telling and pausing are not judged', () => {
  const random = createRandom(13);
  const before = figuresOf(sampleOf(drawn(5000, normal, random)));
  const after = figuresOf(sampleOf(drawn(5000, normal, random, 0.99)));
  const found = judgeEffect(taken(before), after);
  expect(found).toMatchObject({ effect: 'no-change', judged: 1 });
  expect(found.effectSentence).toMatch(
    /^Mean root of the absolute error: .* less than before \(.* % interval .*, 5000 rows\)\.$/,
  );
  expect(judgeEffect(found, figuresOf(sampleOf(drawn(500, normal, random, 0.1))))).toBe(found);
  expect(course(before, [after, after], 'pause').effect).toBe('not-known-yet');
});

test('each action is judged by what it is to better', () => {
  const random = createRandom(11);
  const similar = (by: number): DriftFigures =>
    figuresOf({
      ...emptySample,
      rows: 200,
      similarity: Float64Array.from(drawn(200, normal, random), (z) => by + 0.1 * z),
    });
  expect(course(similar(0.3), [similar(0.5)], 'widen-pool')).toMatchObject({ effect: 'helped' });
  expect(course(similar(0.5), [similar(0.3)], 'widen-pool')).toMatchObject({ effect: 'worse' });
  expect(course(similar(0.3), [similar(0.5)], 'retrain')).toMatchObject({
    effect: 'not-known-yet',
    judged: 0,
  });
  // Molecules no more alike than before may be predicted better all the same.
  const alike = similar(0.5);
  expect(course(alike, [alike], 'widen-pool')).toMatchObject({ effect: 'not-known-yet', judged: 1 });
  const served = (wrong: number): DriftFigures => {
    const recomputed = Float64Array.from({ length: 200 }, (_, i) => i + 1);
    const of = recomputed.map((value, i) => (i < wrong ? value * 1.1 : value));
    return figuresOf({
      ...emptySample,
      rows: 200,
      served: [{ name: 'descriptors/tpsa', served: of, recomputed }],
    });
  };
  expect(served(60).measures).toMatchObject([{ name: 'skewed', rows: 200 }]);
  expect(served(60).measures[0]!.mean).toBeCloseTo(0.3, 12);
  expect(course(served(60), [served(0)], 'roll-back')).toMatchObject({ effect: 'helped' });
});

test('figures of two windows are those of all their rows', () => {
  const random = createRandom(12);
  const [a, b] = [drawn(30, heavy, random), drawn(50, heavy, random)];
  const [both, all] = [
    pooledFigures(figuresOf(sampleOf(a)), figuresOf(sampleOf(b))),
    figuresOf(sampleOf([...a, ...b])),
  ];
  expect(both.rows).toBe(80);
  for (const key of ['rows', 'mean', 'deviation'] as const)
    expect(both.measures[0]![key]).toBeCloseTo(all.measures[0]![key], 12);
});

test("the quantile is Student's", () => {
  // scipy.stats.t.ppf: 0.999 at 10 and 24, 0.97725 at 24 and 200 degrees of freedom.
  for (const [p, degrees, expected] of [
    [0.999, 10, 4.1437],
    [0.999, 24, 3.4668],
    [0.97725, 24, 2.1095],
    [0.97725, 200, 2.0126],
  ] as const)
    expect(Math.abs(studentQuantile(p, degrees) / expected - 1)).toBeLessThan(0.01);
});

// The type of a record that is kept has all that judging asks for.
export const kept = (record: DriftActionRecord, later: DriftFigures): DriftActionRecord =>
  judgeEffect(record, later);
