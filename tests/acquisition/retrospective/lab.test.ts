import fc from 'fast-check';
import type { Mishaps } from '../../../src/acquisition';
import { ReplayLab } from '../../../src/acquisition/retrospective/lab';
import { createRandom } from '../../../src/foundation';

const NONE: Mishaps = { failed: 0, abandoned: 0, late: 0, corrected: 0, retryFailed: false };
const values = [...Array(40).keys()].map((i) => (i === 39 ? null : i / 10));
const labOf = (mishaps: Partial<Mishaps>, kind: 'property' | 'screen' = 'property', own = values) =>
  new ReplayLab({ values: own, kind }, 5, { ...NONE, ...mishaps });
const told = (lab: ReplayLab) => lab.labelled.map((row) => lab.valueOf(row));
const batch = [3, 5, 7, 9, 11, 13, 15, 17];

describe('the laboratory of a replay', () => {
  test('spares the first molecules', () => {
    const lab = labOf({ failed: 1 });
    lab.measure(batch, 0);
    expect(lab.labelled).toEqual(batch);
  });

  test('what failed has cost, and is not to be tried again unless it may be', () => {
    const lab = labOf({ failed: 0.25 });
    lab.measure(batch, 1);
    expect(lab.labelled).toHaveLength(6);
    expect(lab.failed).toHaveLength(2);
    expect(lab.measured).toBe(8);
    expect(lab.failed.some((row) => lab.isOpen(row))).toBe(false);
    const again = labOf({ failed: 0.25, retryFailed: true });
    again.measure(batch, 1);
    expect(batch.filter((row) => again.isOpen(row))).toEqual(lab.failed.sort((a, b) => a - b));
  });

  test('what was abandoned is a candidate again', () => {
    const lab = labOf({ abandoned: 0.5 });
    lab.measure(batch, 1);
    expect(batch.filter((row) => lab.isOpen(row))).toHaveLength(4);
  });

  test('what is late is pending, no candidate, and known with the next batch', () => {
    const lab = labOf({ late: 0.25 });
    lab.measure(batch, 1);
    const late = lab.pending;
    expect(late).toHaveLength(2);
    expect(late.some((row) => lab.isOpen(row))).toBe(false);
    lab.measure([20, 21, 22, 23], 2);
    expect(lab.labelled).toEqual(expect.arrayContaining(late));
    expect(lab.pending).toHaveLength(1);
    lab.settle();
    expect(lab.pending).toEqual([]);
    expect(lab.labelled).toHaveLength(12);
  });

  test('what is corrected is wrong for a batch, and then right', () => {
    const lab = labOf({ corrected: 0.25 });
    lab.measure(batch, 1);
    const wrong = batch.filter((row) => lab.valueOf(row) !== values[row]);
    expect(wrong).toHaveLength(2);
    lab.measure([20], 2);
    expect(told(lab).slice(0, 8)).toEqual(batch.map((row) => values[row]));
  });

  test('a wrong class of a screen is the other one', () => {
    const lab = labOf({ corrected: 1 }, 'screen', [0, 1, 0]);
    lab.measure([0, 1], 1);
    expect(told(lab)).toEqual([1, 0]);
  });

  test('happens in the batches that were named', () => {
    const lab = labOf({ failed: 0.5, batches: [2] });
    lab.measure([1, 2], 1);
    lab.measure([3, 4], 2);
    expect(lab.labelled).toHaveLength(3);
  });

  test('a molecule is open, known, pending or closed, and every order is paid for', () => {
    const share = fc.integer({ min: 0, max: 4 }).map((quarters) => quarters / 16);
    const mishaps = fc.record({
      ...{ failed: share, abandoned: share, late: share, corrected: share },
      retryFailed: fc.boolean(),
    });
    fc.assert(
      fc.property(mishaps, fc.integer({ min: 1, max: 9 }), fc.nat(1000), (wanted, size, seed) => {
        const lab = labOf(wanted);
        const random = createRandom(seed);
        const rows = [...values.keys()];
        let paid = 0;
        for (let round = 0; round < 5; round++) {
          const picks = random.shuffle(rows.filter((row) => lab.isOpen(row))).slice(0, size);
          lab.measure(picks, round);
          paid += picks.length;
        }
        const standing = (row: number) =>
          [
            lab.isOpen(row),
            lab.labelled.includes(row),
            lab.pending.includes(row),
            lab.failed.includes(row),
          ].filter(Boolean);
        expect(rows.every((row) => standing(row).length === 1)).toBe(true);
        expect(lab.measured).toBe(paid);
        lab.settle();
        expect(told(lab)).toEqual(lab.labelled.map((row) => values[row]));
      }),
      { numRuns: 50 },
    );
  });
});
