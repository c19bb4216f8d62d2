import fc from 'fast-check';
import type { FitRequest } from '../../src/learning/learning';
import { crossValidate } from '../../src/learning/cross-validate';
import { createGaussianProcess } from '../../src/learning/gaussian-process';
import { foldsOrRandom, judgedRows, splitFolds, type SplitKeys } from '../../src/learning/split';
import { fingerprints, labelled, noisy, truth } from './synthetic';

const column = (n: number) => ({
  targets: Float64Array.from({ length: n }, (_, i) => i),
  qualifiers: Array.from({ length: n }, () => '=' as const),
  replicates: new Float64Array(n).fill(1),
});
const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10);
const time = (keys: (string | null)[]): SplitKeys => ({ kind: 'time', keys });

describe('folds by time', () => {
  test('later labels are in later folds, labels of a day stay together, undated ones come first', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.integer({ min: 0, max: 20 })), { minLength: 8, maxLength: 60 }),
        fc.integer({ min: 2, max: 6 }),
        (days, folds) => {
          fc.pre(new Set(days.slice(0, -2)).size > 4);
          const keys = days.map((each) => (each === null ? null : day(each)));
          const plan = foldsOrRandom({ labelled: column(days.length), folds, seed: 1, split: time(keys) });
          if (!plan.forward) return; // too few dated labels: the fallback, tested below
          const order = (each: number | null) => each ?? -1;
          const used = [...new Set(plan.assignment)].sort((a, b) => a - b);
          expect(used).toEqual(Array.from({ length: used.length }, (_, i) => i - 1));
          expect(used.length).toBeLessThanOrEqual(folds + 1);
          for (const [a, fold] of plan.assignment.entries())
            for (const [b, other] of plan.assignment.entries()) {
              if (order(days[a]!) < order(days[b]!)) expect(fold).toBeLessThanOrEqual(other);
              if (order(days[a]!) === order(days[b]!)) expect(fold).toBe(other);
            }
        },
      ),
    );
  });

  test('moments with other offsets are compared as moments', () => {
    // 23:00 at +05:00 is before 19:00 UTC.
    const keys = Array.from({ length: 12 }, (_, i) =>
      i < 6 ? '2026-03-01T23:00:00+05:00' : '2026-03-01T19:00:00Z',
    );
    const { assignment } = splitFolds({ labelled: column(12), folds: 3, seed: 1, split: time(keys) });
    expect([...assignment]).toEqual([...Array<number>(6).fill(-1), ...Array<number>(6).fill(0)]);
  });

  test('no model sees what was measured later than what it predicts, and the first labels are judged by none', async () => {
    const gaussian = createGaussianProcess({ threads: 1 });
    try {
      const features = fingerprints(40, 1);
      const all = labelled(features, noisy(truth(features), 0.3, 2));
      const keys = Array.from({ length: 40 }, (_, row) => day(row % 20));
      const dayOf = new Map(features.moleculeIds.map((id, row) => [id, keys[row]!]));
      const trainedOn: string[][] = [];
      const watching = {
        fit: (request: FitRequest) => {
          trainedOn.push(request.labelled.features.moleculeIds.map((id) => dayOf.get(id)!));
          return gaussian.fit(request);
        },
      };
      const plan = splitFolds({ labelled: all, folds: 3, seed: 1, split: time(keys) });
      const settings = { family: 'gaussian-process', noiseRatios: [0.1] } as const;
      const request = { settings, labelled: all, folds: 3, ...plan, seed: 2 };
      const { predictions, metrics, folds } = await crossValidate(watching, request);
      const judged = judgedRows(all, folds);
      expect(metrics.n).toBe(judged.length);
      expect(judged.length).toBe(30);
      trainedOn.forEach((days, fold) => {
        const first = judged
          .filter((row) => folds[row] === fold)
          .map((row) => keys[row]!)
          .sort()[0]!;
        expect(days.every((each) => each < first)).toBe(true);
      });
      for (const row of keys.keys()) expect(Number.isNaN(predictions.mean[row])).toBe(!judged.includes(row));
    } finally {
      await gaussian.close();
    }
  });
});

describe('folds by scaffold', () => {
  test('hold whole scaffolds out', () => {
    const keys = Array.from({ length: 30 }, (_, row) => (row % 5 === 0 ? null : `s${row % 7}`));
    const split: SplitKeys = { kind: 'scaffold', keys };
    const { assignment, forward } = splitFolds({ labelled: column(30), folds: 3, seed: 1, split });
    expect(forward).toBe(false);
    for (const key of new Set(keys.filter((each) => each !== null)))
      expect(new Set([...assignment].filter((_, row) => keys[row] === key)).size).toBe(1);
    expect(new Set(assignment)).toEqual(new Set([0, 1, 2]));
  });
});

describe('labels that cannot be split as asked', () => {
  test.each<[string, SplitKeys, RegExp]>([
    [
      'without dates',
      time(Array<null>(20).fill(null)),
      /time split: 20 measured labels do not fall into an earlier/,
    ],
    ['of one day', time(Array<string>(20).fill(day(1))), /split at random instead/],
    ['of one scaffold', { kind: 'scaffold', keys: Array<string>(20).fill('c1ccccc1') }, /one scaffold/],
  ])('%s are split at random, and it is said', (_, split, why) => {
    const request = { labelled: column(20), folds: 4, seed: 1 };
    expect(() => splitFolds({ ...request, split })).toThrow(
      expect.objectContaining({ code: 'labels-insufficient' }) as Error,
    );
    const plan = foldsOrRandom({ ...request, split });
    expect(plan.notes.join()).toMatch(why);
    expect(plan).toMatchObject(splitFolds({ ...request, split: null }));
  });

  test('too few labels for any folds stay an error', () => {
    expect(() => foldsOrRandom({ labelled: column(4), folds: 2, seed: 1, split: null })).toThrow(
      expect.objectContaining({ code: 'labels-insufficient' }) as Error,
    );
  });

  test('labels without a date are told', () => {
    const keys = Array.from({ length: 20 }, (_, row) => (row < 3 ? null : day(row)));
    expect(foldsOrRandom({ labelled: column(20), folds: 3, seed: 1, split: time(keys) }).notes).toEqual([
      '3 of 20 labels have no date: they count as the earliest',
    ]);
  });
});
