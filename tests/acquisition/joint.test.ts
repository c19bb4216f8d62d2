import { chooseBatch } from '../../src/acquisition';
import { IntegratedVariance, JointPosterior } from '../../src/acquisition/joint';
import { createRandom, selectFeatureRows } from '../../src/foundation';
import { fingerprintsOf, idOf, randomPool, requestOf, surrogateOf } from './support/requests';

/** A random covariance of n functions, and noise. */
function posteriorOf(n: number, seed: number) {
  const random = createRandom(seed);
  const factor = Float64Array.from({ length: n * n }, () => random.normal());
  const covariance = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      for (let k = 0; k < n; k++) covariance[i * n + j]! += (factor[i * n + k]! * factor[j * n + k]!) / n;
  return { covariance, noise: Float64Array.from({ length: n }, () => 0.1 + random.next()) };
}

/** By Gauss and Jordan, and the determinant. */
function inverse(a: number[][]): { inverse: number[][]; determinant: number } {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))]);
  let determinant = 1;
  for (let i = 0; i < n; i++) {
    determinant *= rows[i]![i]!;
    rows[i] = rows[i]!.map((value, _, row) => value / row[i]!);
    for (let r = 0; r < n; r++) {
      if (r === i) continue;
      const factor = rows[r]![i]!;
      rows[r] = rows[r]!.map((value, j) => value - factor * rows[i]![j]!);
    }
  }
  return { inverse: rows.map((row) => row.slice(n)), determinant };
}

/** The covariance once the named rows are measured, from its definition. */
function conditioned({ covariance, noise }: ReturnType<typeof posteriorOf>, known: readonly number[]) {
  const n = noise.length;
  const at = (i: number, j: number) => covariance[i * n + j]!;
  const solved = inverse(known.map((i) => known.map((j) => at(i, j) + (i === j ? noise[i]! : 0)))).inverse;
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) =>
      known.reduce(
        (left, p, a) => left - known.reduce((sum, q, b) => sum + at(i, p) * solved[a]![b]! * at(q, j), 0),
        at(i, j),
      ),
    ),
  );
}

const trace = (matrix: number[][]) => matrix.reduce((sum, row, i) => sum + row[i]!, 0);

describe('a joint posterior, one measurement after the other', () => {
  const parts = posteriorOf(12, 3);

  it('has the variances and products of the posterior given all of them', () => {
    const posterior = new JointPosterior(parts.covariance, parts.noise);
    const known = [4, 9, 0];
    for (const row of known) posterior.condition(row);
    const expected = conditioned(parts, known);
    expected.forEach((row, i) => expect(posterior.variance[i]).toBeCloseTo(row[i]!, 12));
    const random = createRandom(5);
    const vector = Float64Array.from({ length: 12 }, () => random.normal());
    expected.forEach((row, i) => {
      const product = row.reduce((sum, value, j) => sum + value * vector[j]!, 0);
      expect(posterior.times(vector)[i]).toBeCloseTo(product, 12);
    });
  });

  it('knows how much integrated variance each further measurement takes away', () => {
    const posterior = new JointPosterior(parts.covariance, parts.noise);
    const integrated = new IntegratedVariance(posterior, parts.covariance, parts.noise);
    const known: number[] = [];
    for (const next of [7, 2, 11, 5]) {
      const before = trace(conditioned(parts, known));
      for (let row = 0; row < 12; row++) {
        if (known.includes(row)) continue;
        const gain = before - trace(conditioned(parts, [...known, row]));
        expect(integrated.gain(row)).toBeCloseTo(gain, 10);
      }
      const taken = integrated.gain(next);
      expect(integrated.condition(next)).toBeCloseTo(taken, 10);
      known.push(next);
    }
  });

  it('tells of no variance below zero where nothing is left', () => {
    const ones = new Float64Array(9).fill(1);
    const posterior = new JointPosterior(ones, new Float64Array(3));
    posterior.condition(1);
    posterior.condition(0);
    expect([...posterior.variance]).toEqual([0, 0, 0]);
  });
});

describe('strategies that account for the batch', () => {
  it('puts together the batch of the largest determinant, pick by pick', async () => {
    const pool = randomPool(14, 2);
    const { picks } = await chooseBatch(
      requestOf(pool, { acquisition: { strategy: 'max-determinant' }, batchSize: 4 }),
    );
    const covariance = await surrogateOf(pool).model.covariance!(fingerprintsOf(pool.ids));
    const at = (i: number, j: number) => covariance[i * 14 + j]! + (i === j ? 0.25 : 0);
    const logDeterminant = (rows: readonly number[]) =>
      Math.log(inverse(rows.map((i) => rows.map((j) => at(i, j)))).determinant);
    const rows: number[] = [];
    for (const { moleculeId } of picks) {
      const open = [...pool.ids.keys()].filter((i) => !rows.includes(i));
      const best = Math.max(...open.map((i) => logDeterminant([...rows, i])));
      rows.push(pool.ids.indexOf(moleculeId));
      expect(logDeterminant(rows)).toBeCloseTo(best, 10);
    }
  });

  it('does not ask twice what one measurement tells: a twin of a pick, or of a pending molecule, waits', async () => {
    const [twin, same, other] = ['a', 'b', 'c'].map(idOf) as [string, string, string];
    const pool = { ids: [twin, same, other], mean: [1, 0.99, 0.7], sigma: [1, 1, 1] };
    const features = fingerprintsOf([twin, twin, other]);
    const twins = {
      featuresOf: (ids: readonly string[]) => ({
        ...selectFeatureRows(
          features,
          ids.map((id) => pool.ids.indexOf(id)),
        ),
        moleculeIds: ids,
      }),
      surrogate: surrogateOf(pool, 0.01),
      acquisition: { strategy: 'ei', batching: 'joint' },
    };
    const joint = await chooseBatch(requestOf(pool, { ...twins, batchSize: 2 }));
    expect(joint.picks.map(({ moleculeId }) => moleculeId)).toEqual([twin, other]);
    expect(joint.picks[1]!.passedOver).toEqual([
      { moleculeId: same, value: expect.any(Number), why: expect.stringContaining('falls from 1.0 to 0.0') },
    ]);
    expect(joint.picks[0]!.teaches).toBeGreaterThan(0.6);
    const top = await chooseBatch(
      requestOf(pool, { ...twins, acquisition: { strategy: 'ei', batching: 'top' }, batchSize: 2 }),
    );
    expect(top.picks.map(({ moleculeId }) => moleculeId)).toEqual([twin, same]);
    const waiting = await chooseBatch(requestOf(pool, { ...twins, pending: [twin], batchSize: 1 }));
    expect(waiting.picks[0]!.moleculeId).toBe(other);
    // Without a covariance, likeness stands in for it.
    const { predict, sample } = twins.surrogate.model;
    const alike = await chooseBatch(
      requestOf(pool, {
        ...twins,
        surrogate: { model: { predict, sample }, calibrationScale: 1 },
        batchSize: 2,
      }),
    );
    expect(alike.picks.map(({ moleculeId }) => moleculeId)).toEqual([twin, other]);
  });

  it('lets Thompson sampling pick as often as the posterior says a candidate is best', async () => {
    const pool = { ids: [idOf('a'), idOf('b')], mean: [0, 0.5], sigma: [1, 0.5] };
    let second = 0;
    const rounds = 2000;
    for (let seed = 0; seed < rounds; seed++) {
      const request = requestOf(pool, { acquisition: { strategy: 'thompson' }, batchSize: 1, seed });
      if ((await chooseBatch(request)).picks[0]!.moleculeId === pool.ids[1]) second++;
    }
    // P(N(0.5, 0.5^2) > N(0, 1)) = Phi(0.5 / sqrt(1.25)) = 0.6726.
    const deviation = Math.sqrt((0.6726 * 0.3274) / rounds);
    expect(Math.abs(second / rounds - 0.6726)).toBeLessThan(4.5 * deviation);
  }, 30_000);

  it('shares out the variance of thousands of candidates without loss', async () => {
    const random = createRandom(1);
    const n = 3000;
    const rank = 40;
    const factor = Float64Array.from({ length: n * rank }, () => random.normal());
    const covariance = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) {
        let sum = i === j ? 0.2 : 0;
        for (let k = 0; k < rank; k++) sum += factor[i * rank + k]! * factor[j * rank + k]!;
        covariance[i * n + j] = covariance[j * n + i] = sum / rank;
      }
    const posterior = new JointPosterior(covariance, new Float64Array(n).fill(0.1));
    const whole = posterior.variance.reduce((sum, value) => sum + value, 0);
    let taken = 0;
    for (let pick = 0; pick < 300; pick++) {
      const step = posterior.condition(pick * 7);
      taken += step.reduce((sum, value) => sum + value * value, 0);
    }
    const left = posterior.variance.reduce((sum, value) => sum + value, 0);
    expect(left + taken).toBeCloseTo(whole, 6);
  }, 30_000);
});
