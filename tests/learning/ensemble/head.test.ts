import fc from 'fast-check';
import type { LearningTask, Qualifier } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import { classWeights, logLoss } from '../../../src/learning/ensemble/classification';
import { sigmoid } from '../../../src/learning/ensemble/loss';
import { createHead, outputsPerTarget } from '../../../src/learning/ensemble/head';
import { holdOut, type HeldOut, type StandardLabels } from '../../../src/learning/ensemble/hold-out';

const ROWS = 6;
const rows = Array.from({ length: ROWS }, (_, row) => row);

function column(task: LearningTask): fc.Arbitrary<{ labels: StandardLabels; held: HeldOut }> {
  const value =
    task === 'classification' ? fc.constantFrom(0, 1) : fc.double({ min: -3, max: 3, noNaN: true });
  const qualifier = fc.constantFrom<Qualifier[]>('=', '=', '<', '>');
  const row = fc.record({ value, missing: fc.integer({ min: 0, max: 2 }), qualifier, held: fc.boolean() });
  return fc.array(row, { minLength: ROWS, maxLength: ROWS }).map((entries) => {
    const isHeld = entries.map(({ held, missing, qualifier: q }) => missing > 0 && held && q === '=');
    return {
      labels: {
        values: Float64Array.from(entries, ({ value: v, missing }) => (missing === 0 ? Number.NaN : v)),
        qualifiers: entries.map(({ qualifier: q }) => q),
        replicates: Float64Array.from(entries, (_, i) => 1 + (i % 3)),
      },
      held: {
        rows: Uint8Array.from(isHeld, Number),
        count: isHeld.filter(Boolean).length,
        labels: entries.filter(({ missing }) => missing > 0).length,
      },
    };
  });
}

describe.each(['regression', 'classification'] as const)('the head of a %s of three properties', (task) => {
  const each = outputsPerTarget(task);
  const width = 3 * each;
  const outputs = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), {
    minLength: ROWS * width,
    maxLength: ROWS * width,
  });
  const columns = fc.array(column(task), { minLength: 3, maxLength: 3 });

  it('ignores what was not measured: no loss, no gradient, whatever the outputs are', () => {
    fc.assert(
      fc.property(columns, outputs, (targets, values) => {
        const labels = targets.map((target) => target.labels);
        const head = createHead(
          task,
          labels,
          targets.map(({ held }) => held),
        );
        const missing = (at: number) =>
          Number.isNaN(labels[Math.floor((at % width) / each)]!.values[Math.floor(at / width)]!);
        const gradients = new Float32Array(ROWS * width).fill(7);
        const loss = head.loss(Float32Array.from(values), rows, gradients);
        gradients.forEach((gradient, at) => missing(at) && expect(gradient).toBe(0));
        const others = new Float32Array(ROWS * width);
        const changed = Float32Array.from(values, (value, at) => (missing(at) ? value + 1 : value));
        expect(head.loss(changed, rows, others)).toEqual(loss);
        expect(others).toEqual(gradients);
        expect(head.heldOutError(changed, rows)).toBe(head.heldOutError(Float32Array.from(values), rows));
      }),
      { numRuns: 60 },
    );
  });
});

describe('the head of classes', () => {
  it('has the derivatives of its weighted loss', () => {
    fc.assert(
      fc.property(
        column('classification'),
        fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: ROWS, maxLength: ROWS }),
        (target, logits) => {
          const { labels, held } = target;
          const weights = classWeights(labels.values);
          const head = createHead('classification', [labels], [held]);
          const gradients = new Float32Array(ROWS);
          head.loss(Float32Array.from(logits), rows, gradients);
          const training = held.labels - held.count;
          const loss = (at: number, z: number) => {
            const value = labels.values[at]!;
            if (Number.isNaN(value) || held.rows[at] === 1) return 0;
            return ((value === 1 ? weights.positive : weights.negative) * logLoss(z, value === 1)) / training;
          };
          const h = 1e-4;
          logits.forEach((z, at) => {
            const single = Math.fround(z);
            const slope = (loss(at, single + h) - loss(at, single - h)) / (2 * h);
            expect(gradients[at]).toBeCloseTo(slope, 5);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is least at the true probability, though the rare class weighs more', () => {
    const values = Float64Array.from({ length: 200 }, (_, row) => Number(row < 10));
    const { positive, negative, logitShift } = classWeights(values);
    expect(positive).toBeGreaterThan(4 * negative);
    expect((10 * positive + 190 * negative) / 200).toBeCloseTo(1, 12);
    // Newton steps on the weighted loss of one common logit.
    let z = 0;
    for (let i = 0; i < 30; i++) {
      const p = sigmoid(z);
      z -= (10 * positive * (p - 1) + 190 * negative * p) / ((10 * positive + 190 * negative) * p * (1 - p));
    }
    expect(sigmoid(z + logitShift)).toBeCloseTo(10 / 200, 10);
  });

  it('holds out a share of either class, or nothing when the rows are few', () => {
    const labels = (count: number): StandardLabels => ({
      values: Float64Array.from({ length: count }, (_, row) => Number(row % 40 === 0)),
      qualifiers: Array<Qualifier>(count).fill('='),
      replicates: new Float64Array(count).fill(1),
    });
    expect(holdOut(labels(200), createRandom(1), 'classification').count).toBe(0);
    const many = labels(800);
    const held = holdOut(many, createRandom(1), 'classification');
    const ones = Array.from(held.rows.keys()).filter((row) => held.rows[row] && many.values[row] === 1);
    expect(ones).toHaveLength(3);
    expect(held.count).toBe(3 + 117);
  });
});
