import fc from 'fast-check';
import { boxesBeyond, hypervolume } from '../../../src/acquisition/pareto/hypervolume';
import { along, directionsOf, SPHERE_SHARE } from '../../../src/acquisition/pareto/directions';
import { dominates, frontOf } from '../../../src/acquisition/pareto/front';
import { frontOver, referenceOf, type Traded } from '../../../src/acquisition/pareto/reference';
import { createRandom } from '../../../src/foundation';
import { describeWithPython, runPython } from '../../support/python';

const dimensions = fc.integer({ min: 2, max: 4 });
/** On a lattice, so that ties and equal points are common; some lie below the reference point, 0. */
const pointsIn = (m: number, maxLength: number) =>
  fc.array(
    fc.array(
      fc.integer({ min: -2, max: 8 }).map((n) => n / 4),
      { minLength: m, maxLength: m },
    ),
    { maxLength },
  );
const setOf = (maxLength: number) =>
  dimensions.chain((m) => pointsIn(m, maxLength).map((points) => ({ m, points })));

/** Of the union of boxes, by the volumes of all intersections. */
function byInclusionExclusion(points: readonly (readonly number[])[], m: number): number {
  let sum = 0;
  for (let mask = 1; mask < 1 << points.length; mask++) {
    const chosen = points.filter((_, i) => (mask >> i) & 1);
    let box = 1;
    for (let i = 0; i < m; i++) box *= Math.max(0, Math.min(...chosen.map((point) => point[i]!)));
    sum += (chosen.length % 2 ? 1 : -1) * box;
  }
  return sum;
}

const zero = (m: number) => new Array<number>(m).fill(0);
const randomFront = (m: number, count: number, seed: number) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => Array.from({ length: m }, () => Math.abs(random.normal())));
};

describe('the front', () => {
  it('is what no other point dominates', () => {
    fc.assert(
      fc.property(setOf(12), ({ points }) => {
        const slowly = [...points.keys()].filter(
          (at) => !points.some((other) => dominates(other, points[at]!)),
        );
        expect(frontOf(points)).toEqual(slowly);
      }),
    );
  });
});

describe('hypervolume', () => {
  it('is the volume of the union of boxes', () => {
    fc.assert(
      fc.property(setOf(7), ({ m, points }) => {
        expect(hypervolume(points, zero(m))).toBeCloseTo(byInclusionExclusion(points, m), 10);
      }),
    );
  });

  it('rises with a point and never falls, whatever the order of points and of coordinates', () => {
    fc.assert(
      fc.property(setOf(14), fc.nat(), ({ m, points }, seed) => {
        const random = createRandom(seed);
        const whole = hypervolume(points, zero(m));
        expect(hypervolume(points.slice(1), zero(m))).toBeLessThanOrEqual(whole + 1e-12);
        const coordinates = random.shuffle([...Array(m).keys()]);
        const turned = random.shuffle(points).map((point) => coordinates.map((i) => point[i]!));
        expect(hypervolume(turned, zero(m))).toBeCloseTo(whole, 10);
        const corner = new Array<number>(m).fill(2.25);
        expect(hypervolume([...points, corner], zero(m))).toBeCloseTo(2.25 ** m, 10);
      }),
    );
  });

  it('is what the scalarisations come to', () => {
    for (const m of [2, 3, 4]) {
      const front = randomFront(m, 9, m);
      const count = 40_000;
      const directions = directionsOf(m, count);
      const reaches = Array.from({ length: count }, (_, k) =>
        Math.max(...front.map((point) => Math.max(0, along(point, directions, k * m)) ** m)),
      );
      const mean = SPHERE_SHARE[m]! * (reaches.reduce((sum, reach) => sum + reach, 0) / count);
      // The evenness of the directions falls with their dimension.
      expect(Math.abs(mean / hypervolume(front, zero(m)) - 1)).toBeLessThan(m < 4 ? 0.001 : 0.01);
    }
  });

  it('and what lies beyond make up the whole, and the boxes beyond do not overlap', () => {
    fc.assert(
      fc.property(setOf(9), fc.nat(), ({ m, points: all }, seed) => {
        const beyond = all.filter((point) => point.every((coordinate) => coordinate > 0));
        const points = frontOf(beyond).map((at) => beyond[at]!);
        const { cuts, lower, upper } = boxesBeyond(points, m);
        const edge = 3;
        const at = (i: number, cut: number) => cuts[i]![cut] ?? edge;
        let open = 0;
        for (let box = 0; box < lower.length; box += m) {
          let size = 1;
          for (let i = 0; i < m; i++) size *= at(i, upper[box + i]!) - at(i, lower[box + i]!);
          open += size;
        }
        expect(open + hypervolume(points, zero(m))).toBeCloseTo(edge ** m, 9);
        const random = createRandom(seed);
        const place = Array.from({ length: m }, () => edge * random.next());
        let inside = 0;
        for (let box = 0; box < lower.length; box += m)
          if (place.every((x, i) => x > at(i, lower[box + i]!) && x < at(i, upper[box + i]!))) inside++;
        const covered = points.some((point) => place.every((x, i) => x < point[i]!));
        expect(inside).toBe(covered ? 0 : 1);
      }),
    );
  });
});

describeWithPython('hypervolume beside moocore', () => {
  test('fronts of two, three and four properties', () => {
    const fronts = [2, 3, 4].flatMap((m) => [1, 5, 40].map((count) => randomFront(m, count, 10 * m + count)));
    const reference = 0.2;
    const theirs = runPython<number[]>(
      [
        'import json, sys, numpy as np, moocore',
        'given = json.load(sys.stdin)',
        'print(json.dumps([moocore.hypervolume(np.array(f), ref=given["reference"], maximise=True) for f in given["fronts"]]))',
      ].join('\n'),
      { fronts, reference },
    );
    fronts.forEach((front, i) => {
      const ours = hypervolume(
        front,
        zero(front[0]!.length).map(() => reference),
      );
      expect(ours).toBeCloseTo(theirs[i]!, 10);
    });
  });
});

describe('the reference point', () => {
  const traded = (
    direction: Traded['direction'],
    values: Record<string, number>,
    reference?: number,
  ): Traded => ({
    ...{ direction, values: new Map(Object.entries(values)) },
    ...(reference !== undefined && { reference }),
  });

  test('lies a tenth of the range of the front beyond its worst, unless it is said', () => {
    const up = traded('maximize', { a: 1, b: 3, c: 0 });
    const down = traded('minimize', { a: 10, b: 30, c: 40 });
    expect(referenceOf([up, down])).toEqual([1 - 0.2, 30 + 2]);
    expect(referenceOf([{ ...up, reference: 0.5 }, down])).toEqual([0.5, 32]);
    expect(frontOver([up, down])).toEqual({
      moleculeIds: ['a', 'b'],
      hypervolume: expect.closeTo(0.2 * 22 + 2.0 * 2, 10) as number,
      reference: [0.8, 32],
    });
  });

  test('goes by all values where the front has no range, or there is none', () => {
    const up = traded('maximize', { a: 1, b: 0 });
    expect(referenceOf([up, traded('minimize', { a: 5, b: 6 })])).toEqual([0.9, 5.1]);
    const apart = [up, traded('maximize', { c: 5, d: 6 })];
    expect(referenceOf(apart)).toEqual([-0.1, 4.9]);
    expect(frontOver(apart)).toBeNull();
    expect(referenceOf([up, traded('maximize', {})])).toBeNull();
  });

  test('molecules that lack a value are on no front', () => {
    const front = frontOver([traded('maximize', { a: 1, b: 9 }), traded('maximize', { a: 1 })]);
    expect(front!.moleculeIds).toEqual(['a']);
  });
});
