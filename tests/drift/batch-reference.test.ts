import { batchReference, emptySample, MINIMUM, promisedResiduals, type DriftSample } from '../../src/drift';
import type { DriftLook, DriftVerdict } from '../../src/contracts';
import { createRandom } from '../../src/foundation';

const random = createRandom(4);
const batch = (rows: number, more: Partial<DriftSample> = {}): DriftSample => ({
  ...emptySample,
  rows,
  predicted: Float64Array.from({ length: rows }, () => random.normal()),
  deviation: new Float64Array(rows).fill(1),
  observed: Float64Array.from({ length: rows }, () => random.normal()),
  columns: [{ name: 'results', present: true, rows, missing: 0, unreadable: 1, examples: ['?'] }],
  ...more,
});
const look = (verdict: DriftVerdict, ...ps: number[]) =>
  ({ verdict, findings: ps.map((p) => ({ p })), diagnosis: null }) as unknown as DriftLook;
const earlier = (...sizes: number[]) => sizes.map((rows) => ({ sample: batch(rows), look: look('ok') }));
const promised = promisedResiduals(0.9, 200);

test('a model’s promise stands in until the first batches say more', () => {
  const few = earlier(MINIMUM.referenceTruth - 1);
  const { reference, history } = batchReference(few, promised);
  expect([reference.assumed, reference.sample.rows]).toEqual([true, 0]);
  expect(history).toEqual([few[0]!.sample]);
  expect(reference.sample.columns).toMatchObject([{ rows: MINIMUM.referenceTruth - 1, unreadable: 1 }]);
  expect(batchReference([], null).reference.residuals).toBeNull();
});

test('the first hundred values are what later batches are held against, and the batches since lie between', () => {
  const batches = earlier(48, 48, 48, 48);
  const { reference, history } = batchReference(batches, promised);
  expect([reference.assumed, reference.sample.rows]).toEqual([false, 144]);
  expect(history).toEqual([batches[3]!.sample]);
  expect(reference.sample.columns).toMatchObject([{ rows: 144, unreadable: 3 }]);
});

test('a batch that was out of order or looks like it, and a value without a prediction, are no reference', () => {
  const batches = earlier(60, 60, 60, 60);
  batches[0] = { sample: batch(60), look: look('act', 1e-9) };
  batches[3] = { sample: batch(60), look: look('ok', 0.5, 1e-4) };
  const predicted = batches[1]!.sample.predicted!.slice();
  predicted.fill(NaN, 0, 10);
  batches[1] = { sample: { ...batches[1]!.sample, predicted }, look: look('ok', 0.002) };
  const { reference, history } = batchReference(batches, promised);
  expect(reference.sample.rows).toBe(110);
  expect(history).toEqual([batches[0].sample, batches[3].sample]);
});
