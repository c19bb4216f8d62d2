import fc from 'fast-check';
import { frontOf } from '../../../src/acquisition/pareto/front';
import { hypervolume } from '../../../src/acquisition/pareto/hypervolume';
import { HypervolumeGain } from '../../../src/acquisition/pareto/hypervolume-gain';
import { pointwiseGain, thinned } from '../../../src/acquisition/pareto/pointwise';
import { createRandom } from '../../../src/foundation';

const zero = (m: number) => new Array<number>(m).fill(0);
const randomPoints = (m: number, count: number, seed: number, spread = 0.4) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () =>
    Float64Array.from({ length: m }, () => 0.5 + spread * random.normal()),
  );
};
const cases = fc.record({ m: fc.integer({ min: 2, max: 4 }), count: fc.nat({ max: 10 }), seed: fc.nat() });

describe('the pointwise gain', () => {
  it('is the expected gain of hypervolume', () => {
    for (const m of [2, 3, 4]) {
      const front = randomPoints(m, 6, m);
      const gain = pointwiseGain(front, m);
      const random = createRandom(m);
      const [mean, sigma] = [
        randomPoints(m, 1, 40 + m)[0]!,
        Float64Array.from({ length: m }, () => 0.1 + random.next()),
      ];
      const before = hypervolume(front, zero(m));
      const gains = Array.from({ length: 20_000 }, () => {
        const drawn = mean.map((value, i) => value + sigma[i]! * random.normal());
        return hypervolume([...front, drawn], zero(m)) - before;
      });
      const average = gains.reduce((sum, each) => sum + each, 0) / gains.length;
      const spread = Math.sqrt(gains.reduce((sum, each) => sum + (each - average) ** 2, 0) / gains.length);
      expect(Math.abs(gain(mean, sigma) - average)).toBeLessThan((4 * spread) / Math.sqrt(gains.length));
    }
  });

  it('never puts a candidate above one with means as good and deviations as large', () => {
    fc.assert(
      fc.property(
        cases,
        fc.constantFrom(0.01, 0.3, 3),
        fc.constantFrom(0, 4, 60),
        ({ m, count, seed }, size, far) => {
          const gain = pointwiseGain(randomPoints(m, count, seed), m);
          const random = createRandom(seed + 1);
          const worse = Float64Array.from({ length: m }, () => random.normal() - far);
          const better = worse.map((value) => value + (random.next() < 0.5 ? 0 : random.next()));
          const less = Float64Array.from({ length: m }, () =>
            random.next() < 0.2 ? 0 : size * random.next(),
          );
          const more = less.map((value) => value + (random.next() < 0.5 ? 0 : size * random.next()));
          const [low, high] = [gain(worse, less), gain(better, more)];
          expect(high).toBeGreaterThanOrEqual(low - 1e-9 * Math.abs(low));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of a large front goes by the points that reach farthest', () => {
    const random = createRandom(5);
    const front = Array.from({ length: 60 }, () => {
      const point = Float64Array.from({ length: 3 }, () => Math.abs(random.normal()));
      return point.map((value) => value / Math.hypot(...point));
    });
    expect(frontOf(front)).toHaveLength(60);
    const few = thinned(front, 30);
    expect(few).toHaveLength(30);
    const [whole, part] = [hypervolume(front, zero(3)), hypervolume(few, zero(3))];
    expect(part / whole).toBeGreaterThan(0.95);
    expect(part).toBeLessThan(whole);
  });
});

/** Independent draws of rows, property by property. */
function drawsOf(m: number, rows: number, count: number, seed: number) {
  const random = createRandom(seed);
  return {
    count,
    values: Array.from({ length: m }, () =>
      Float64Array.from({ length: rows * count }, () => 0.4 + 0.5 * random.normal()),
    ),
  };
}

describe('the gain over joint draws', () => {
  const pointOf = ({ count, values }: ReturnType<typeof drawsOf>, row: number, draw: number) =>
    values.map((own) => own[row * count + draw]!);

  it('is the mean gain of exact hypervolume, for a batch too, within its resolution', () => {
    for (const m of [2, 3, 4]) {
      const rows = 4;
      const draws = drawsOf(m, rows, 128, m);
      const front = randomPoints(m, 5, 20 + m);
      const gain = new HypervolumeGain(draws, front, 256);
      const held: number[] = [];
      for (let row = 0; row < rows; row++) {
        let exact = 0;
        for (let draw = 0; draw < draws.count; draw++) {
          const before = [...front, ...held.map((other) => pointOf(draws, other, draw))];
          exact +=
            hypervolume([...before, pointOf(draws, row, draw)], zero(m)) - hypervolume(before, zero(m));
        }
        exact /= draws.count;
        expect(gain.of(row)).toBeGreaterThan(0.97 * exact);
        expect(gain.of(row)).toBeLessThan(1.03 * exact);
        gain.holdRow(row);
        held.push(row);
      }
    }
  });

  it('never rises as more is held, is nothing for what is held, and its parts sum to 1', () => {
    fc.assert(
      fc.property(cases, ({ m, count, seed }) => {
        const rows = 6;
        const gain = new HypervolumeGain(drawsOf(m, rows, 16, seed), randomPoints(m, count, seed));
        let before = Array.from({ length: rows }, (_, row) => gain.of(row));
        for (let held = 0; held < rows; held++) {
          const free = gain.notDominated(held);
          expect(free).toBeGreaterThanOrEqual(0);
          const sum = gain.towards(held).reduce((total, share) => total + share, 0);
          expect(sum).toBeCloseTo(before[held]! > 0 ? 1 : 0, 10);
          gain.holdRow(held);
          const after = Array.from({ length: rows }, (_, row) => gain.of(row));
          expect(after[held]).toBe(0);
          after.forEach((value, row) => expect(value).toBeLessThanOrEqual(before[row]! + 1e-15));
          before = after;
        }
      }),
      { numRuns: 50 },
    );
  });

  it('tells how probably a row is not dominated', () => {
    const values = [Float64Array.from([1, 1, 0.5, 2]), Float64Array.from([1, 1, 0.5, 2])];
    const gain = new HypervolumeGain({ count: 2, values }, [Float64Array.from([0.6, 0.6])]);
    // Row 1 is below the front in one draw and beyond it in the other, where row 0 is not as good.
    gain.holdRow(0);
    expect(gain.notDominated(1)).toBe(0.5);
  });
});
