import fc from 'fast-check';
import type { Qualifier } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import { holdOut } from '../../../src/learning/ensemble/hold-out';
import {
  batchLoss,
  boundLogVariance,
  LOG_VARIANCE_CEILING,
  LOG_VARIANCE_FLOOR,
  rowLoss,
} from '../../../src/learning/ensemble/likelihood';

const qualifier = fc.constantFrom<Qualifier[]>('=', '<', '>');
const real = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });
const slope = (f: (x: number) => number, at: number) => (f(at + 1e-5) - f(at - 1e-5)) / 2e-5;

describe('likelihood of a row', () => {
  it('has the derivatives it says it has', () => {
    fc.assert(
      fc.property(
        real(5),
        real(3),
        real(5),
        qualifier,
        fc.integer({ min: 1, max: 9 }),
        (mean, logVariance, y, q, n) => {
          const { byMean, byLogVariance } = rowLoss(mean, logVariance, y, q, n);
          const tolerance = (value: number) => 1e-5 * Math.max(1, Math.abs(value));
          const numericMean = slope((x) => rowLoss(x, logVariance, y, q, n).loss, mean);
          const numericVariance = slope((x) => rowLoss(mean, x, y, q, n).loss, logVariance);
          expect(Math.abs(byMean - numericMean)).toBeLessThan(tolerance(byMean));
          expect(Math.abs(byLogVariance - numericVariance)).toBeLessThan(tolerance(byLogVariance));
        },
      ),
    );
  });

  it('of a limit falls towards nothing on the right side of it and rises without bound on the wrong one', () => {
    expect(rowLoss(10, 0, 0, '>', 1).loss).toBeLessThan(1e-10);
    expect(rowLoss(-10, 0, 0, '>', 1).loss).toBeGreaterThan(50);
    expect(rowLoss(-10, 0, 0, '<', 1).loss).toBeLessThan(1e-10);
    expect(rowLoss(1e5, LOG_VARIANCE_FLOOR, 0, '<', 1).loss).toBeLessThan(Infinity);
    expect(rowLoss(1e5, LOG_VARIANCE_FLOOR, 0, '<', 1).byMean).toBeGreaterThan(0);
  });

  it('counts an average of four as half the scatter', () => {
    const averaged = rowLoss(0, 0, 1, '=', 4);
    const direct = rowLoss(0, Math.log(1 / 4), 1, '=', 1);
    expect(averaged.loss).toBeCloseTo(direct.loss, 12);
    expect(averaged.byMean).toBeCloseTo(direct.byMean, 12);
  });
});

describe('the bounded log variance', () => {
  it('stays between floor and ceiling and has the slope it says', () => {
    fc.assert(
      fc.property(real(60), (raw) => {
        const { logVariance, slope: stated } = boundLogVariance(raw);
        expect(logVariance).toBeGreaterThanOrEqual(LOG_VARIANCE_FLOOR - 1e-9);
        expect(logVariance).toBeLessThanOrEqual(LOG_VARIANCE_CEILING + 1e-3);
        expect(stated).toBeCloseTo(
          slope((x) => boundLogVariance(x).logVariance, raw),
          5,
        );
      }),
    );
  });
});

describe('rows held out of the mean', () => {
  it('are a share of the measured rows, never limits, and the same for the same seed', () => {
    const qualifiers = Array.from({ length: 200 }, (_, i): Qualifier => (i % 4 === 0 ? '>' : '='));
    const labels = { values: new Float64Array(200), qualifiers, replicates: new Float64Array(200).fill(1) };
    const held = holdOut(labels, createRandom(3));
    expect(held.count).toBe(23);
    expect([...held.rows].filter(Boolean)).toHaveLength(23);
    held.rows.forEach((is, row) => is && expect(qualifiers[row]).toBe('='));
    expect(holdOut(labels, createRandom(3))).toEqual(held);
    expect(holdOut(labels, createRandom(4))).not.toEqual(held);
  });

  it('teach the variance and not the mean', () => {
    const labels = {
      values: Float64Array.of(1, 2),
      qualifiers: ['=', '='] as Qualifier[],
      replicates: Float64Array.of(1, 1),
    };
    const byOutput = new Float32Array(4);
    const loss = batchLoss(
      Float32Array.of(0, 0, 0, 0),
      labels,
      [0, 1],
      { rows: Uint8Array.of(0, 1), count: 1, labels: 2 },
      byOutput,
    );
    expect(byOutput[0]).toBeLessThan(0);
    expect(byOutput[1]).toBe(0);
    expect(byOutput[2]).toBe(0);
    expect(byOutput[3]).toBeLessThan(0);
    expect(loss.training).toBeCloseTo(rowLoss(0, boundLogVariance(0).logVariance, 1, '=', 1).loss, 12);
    expect(loss.heldOut).toBeCloseTo(rowLoss(0, boundLogVariance(0).logVariance, 2, '=', 1).loss, 12);
  });
});
