import fc from 'fast-check';
import { rolloutConfigSchema, type VersionFigures } from '../../src/contracts';
import { judgeTrial } from '../../src/rollout';
import { quantile } from '../../src/rollout/evidence/totals';
import '../support/property-seed';

const { trial: limits } = rolloutConfigSchema.parse({});
const figures = (changes: Partial<VersionFigures> = {}): VersionFigures => ({
  version: 'solubility-42/v1',
  requests: 200,
  errors: 0,
  latencySeconds: { p50: 0.005, p99: 0.02 },
  molecules: 200,
  prediction: { mean: -2, standardDeviation: 1.5 },
  rejected: 0,
  agreement: null,
  ...changes,
});
const judge = (candidate: Partial<VersionFigures>, stable: VersionFigures | null = figures()) =>
  Object.fromEntries(
    judgeTrial({ candidate: figures(candidate), stable, heldOutRmse: 0.8, limits }).map(
      ({ check, verdict }) => [check, verdict],
    ),
  );

test('a candidate that does as the live model does is well in everything', () => {
  expect(judge({ agreement: { pairs: 100, meanDifference: 0.1, rmsDifference: 0.5 } })).toEqual({
    errors: 'ok',
    latency: 'ok',
    shift: 'ok',
    agreement: 'ok',
  });
});

test('errors, a slow tail, shifted predictions and disagreement are each found by what is meant for them', () => {
  expect(judge({ errors: 20 })).toMatchObject({ errors: 'bad', latency: 'ok', shift: 'ok' });
  expect(judge({ latencySeconds: { p50: 0.2, p99: 0.4 } })).toMatchObject({
    errors: 'ok',
    latency: 'bad',
    shift: 'ok',
  });
  expect(judge({ prediction: { mean: 1, standardDeviation: 1.5 } })).toMatchObject({
    latency: 'ok',
    shift: 'bad',
  });
  expect(judge({ molecules: 0, prediction: null, rejected: 200 })).toMatchObject({ shift: 'bad' });
  const agreement = { pairs: 100, meanDifference: 0, rmsDifference: 2.5 };
  expect(judge({ agreement })).toMatchObject({ shift: 'ok', agreement: 'bad' });
});

test('chance is not held against it: one lost request, a few requests, a live model that fails as well', () => {
  expect(judge({ requests: 1, errors: 1 }).errors).not.toBe('bad');
  expect(judge({ errors: 2 }).errors).toBe('ok');
  expect(judge({ errors: 20 }, figures({ errors: 20 })).errors).toBe('ok');
  expect(judge({ requests: 5, latencySeconds: { p50: 1, p99: 3 } }).latency).toBe('not-enough-data');
  const cold = { p50: 0.006, p99: 0.5 };
  expect(judge({ requests: 36, latencySeconds: cold }).latency).toBe('ok');
  expect(judge({ requests: 400, latencySeconds: cold }).latency).toBe('bad');
  expect(judge({ requests: 5, prediction: { mean: 9, standardDeviation: 1 } }).shift).toBe('not-enough-data');
  expect(judge({ requests: 0, molecules: 0, latencySeconds: null, prediction: null })).toEqual({
    errors: 'not-enough-data',
    latency: 'not-enough-data',
    shift: 'not-enough-data',
  });
  expect(judge({}, null)).toMatchObject({
    errors: 'ok',
    latency: 'not-enough-data',
    shift: 'not-enough-data',
  });
});

test('more errors never make a verdict better', () => {
  const rank = { 'not-enough-data': 0, ok: 0, bad: 1 };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(500), fc.nat(500), (requests, a, b) => {
      const [few, many] = [Math.min(a, b, requests), Math.min(Math.max(a, b), requests)];
      const at = (errors: number) => rank[judge({ requests, errors }).errors as 'ok'];
      expect(at(many)).toBeGreaterThanOrEqual(at(few));
    }),
  );
});

test('quantiles of a histogram are those of PromQL', () => {
  const buckets = [
    { le: 0.1, count: 50 },
    { le: 0.2, count: 90 },
    { le: Infinity, count: 100 },
  ];
  expect(quantile(0.5, buckets)).toBeCloseTo(0.1);
  expect(quantile(0.7, buckets)).toBeCloseTo(0.15);
  expect(quantile(0.99, buckets)).toBe(0.2);
  expect(quantile(0.5, [])).toBeNull();
});
