import fc from 'fast-check';
import {
  applyOffset,
  controlRows,
  CONTROLS,
  estimateOffset,
  type OffsetDecision,
  type OffsetScale,
} from '../../../src/drift';
import { createRandom, type Random } from '../../../src/foundation';

/** Values of `n` molecules on a plate that is off, and of the same ones elsewhere; both with noise of standard deviation 0.2. */
function measuredTwice(random: Random, n: number, offset: number, scatter = 0.2) {
  const molecules = Array.from({ length: n }, () => random.normal());
  return {
    doubted: molecules.map((value) => value + offset + scatter * random.normal()),
    controls: molecules.map((value) => value + 0.2 * random.normal()),
  };
}

const NOISE = 0.2 * Math.SQRT2;
const SCALE: OffsetScale = { spread: 0.6, noise: NOISE };

function shares(n: number, offset: number, scale: OffsetScale, scatter?: number) {
  const random = createRandom(3);
  const runs = 2000;
  const count: Record<OffsetDecision, number> = { keep: 0, correct: 0, exclude: 0, 'more-controls': 0 };
  let [sum, squares] = [0, 0];
  for (let run = 0; run < runs; run++) {
    const { doubted, controls } = measuredTwice(random, n, offset, scatter);
    const found = estimateOffset(doubted, controls, scale);
    count[found.decision] += 1 / runs;
    sum += found.offset / runs;
    squares += ((found.offset - offset) / found.standardError) ** 2 / runs;
  }
  return { count, mean: sum, standardised: Math.sqrt(squares) };
}

test('the offset is found without a bias, and its standard error is what it says or larger', () => {
  for (const offset of [-1, 0, 0.7]) {
    const { mean, standardised } = shares(CONTROLS, offset, SCALE);
    expect(Math.abs(mean - offset)).toBeLessThan(0.02);
    expect(standardised).toBeLessThan(1.05);
    expect(standardised).toBeGreaterThan(0.7);
  }
});

test.each([
  ['noise known', SCALE],
  ['noise not known', { spread: 0.6 }],
])(
  'a plate that is right is hardly ever corrected, one that is off by the noise of the residuals nearly always: %s',
  (_, scale) => {
    expect(shares(CONTROLS, 0, scale).count.correct).toBeLessThan(0.05);
    expect(shares(CONTROLS, 0, scale).count.keep).toBeGreaterThan(0.4);
    expect(shares(CONTROLS, 0.6, scale).count.correct).toBeGreaterThan(0.95);
    expect(shares(CONTROLS, 0.6, scale).count.exclude).toBe(0);
  },
);

test('values that no constant puts right are left out; few controls decide nothing', () => {
  expect(shares(CONTROLS, 1, SCALE, 3).count.exclude).toBeGreaterThan(0.9);
  const few = estimateOffset([1, 2, NaN, 3], [0, 1, 2, 2], SCALE);
  expect(few).toMatchObject({ decision: 'more-controls', controls: 3, shrunk: 0 });
  expect(() => estimateOffset([1], [], SCALE)).toThrow(/1 values in doubt, 0 controls/);
  expect(() => estimateOffset([1], [1], { spread: 0 })).toThrow(/standard deviation/);
});

test('corrected values have less error than those that are not, and keep what was measured beside them', () => {
  const random = createRandom(5);
  const { doubted, controls } = measuredTwice(random, 24, 1);
  const rows = controlRows([...doubted.keys()], CONTROLS, 7);
  expect(new Set(rows).size).toBe(CONTROLS);
  expect(controlRows([...doubted.keys()], CONTROLS, 7)).toEqual(rows);
  const found = estimateOffset(
    rows.map((row) => doubted[row]!),
    rows.map((row) => controls[row]!),
    SCALE,
  );
  expect(found.decision).toBe('correct');
  const applied = applyOffset(found, doubted);
  expect(applied.raw).toEqual(doubted);
  const error = (values: readonly number[]) =>
    Math.abs(values.reduce((sum, value, i) => sum + (value - controls[i]!) / values.length, 0));
  expect(error(applied.values)).toBeLessThan(error(doubted) / 3);
  expect(applyOffset({ decision: 'exclude', shrunk: 1 }, [1, 2])).toEqual({
    ...{ values: [NaN, NaN], raw: [1, 2], excluded: true },
  });
  expect(applyOffset({ decision: 'keep', shrunk: 1 }, [1, 2]).values).toEqual([1, 2]);
});

test('property: what is taken away lies between nothing and the offset; a shift of both sides changes nothing, and their exchange turns it round', () => {
  const value = fc.double({ min: -100, max: 100, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { minLength: 4, maxLength: 20 }), value, (pairs, by) => {
      const [doubted, controls] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
      const found = estimateOffset(doubted, controls, SCALE);
      expect(Math.abs(found.shrunk)).toBeLessThanOrEqual(Math.abs(found.offset));
      expect(found.shrunk * found.offset).toBeGreaterThanOrEqual(0);
      const turned = estimateOffset(controls, doubted, SCALE);
      expect(turned.offset).toBeCloseTo(-found.offset, 9);
      expect(turned.standardError).toBeCloseTo(found.standardError, 9);
      const shifted = estimateOffset(
        doubted.map((v) => v + by),
        controls.map((v) => v + by),
        SCALE,
      );
      expect(shifted.offset).toBeCloseTo(found.offset, 9);
    }),
  );
});
