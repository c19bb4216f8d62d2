import fc from 'fast-check';
import {
  Found,
  heldOutRows,
  replay,
  sizeOf,
  type ReplayProtocol,
  type ReplayTable,
} from '../../../src/acquisition';
import {
  campaignConfigSchema,
  featurizerSchema,
  type FeatureMatrix,
  type Strategy,
} from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import { createLearning, type LabelledSet } from '../../../src/learning';

/** Points on a line whose value is a smooth function of where they are; `order` is how the file lists them. */
function lineOf(n: number, order: readonly number[]): ReplayTable {
  const place = order.map((i) => i / n);
  const features: FeatureMatrix = {
    spec: featurizerSchema.parse({ kind: 'descriptors' }),
    moleculeIds: order.map((i) => `point-${i}`),
    ...{ rows: n, columns: 1, layout: 'dense', data: Float32Array.from(place) },
  };
  return { features, values: place.map((x) => Math.sin(5 * x) + 2 * x), kind: 'property' };
}

const protocolOf = (strategy: Strategy, more: Partial<ReplayProtocol> = {}): ReplayProtocol => ({
  ...{ direction: 'maximize', goal: { kind: 'best' }, initial: 8, batch: 5, rounds: 3, top: 10, test: 0 },
  acquisition: campaignConfigSchema.shape.acquisition.parse({ strategy }),
  ...more,
});
const inOrder = (n: number) => [...Array(n).keys()];

describe('a replay', () => {
  const learning = createLearning({ threads: 1, backend: 'cpu' });
  afterAll(() => learning.close());
  const fit = async (labelled: LabelledSet, seed: number) => ({
    model: await learning.fit({
      settings: { family: 'gaussian-process', noiseRatios: [0.01, 0.1] },
      ...{ labelled, seed },
    }),
    calibrationScale: 1,
  });

  test('finds what chance does not, and the same again with the same seed', async () => {
    const table = lineOf(120, inOrder(120));
    const chosen = await replay(table, protocolOf('ei'), fit, { seed: 3 });
    const again = await replay(table, protocolOf('ei'), fit, { seed: 3 });
    const random = await replay(table, protocolOf('random'), fit, { seed: 3 });
    expect(chosen.measured).toEqual([8, 13, 18, 23]);
    expect(chosen.recall.at(-1)).toBeGreaterThanOrEqual(0.8);
    expect(random.recall.at(-1)).toBeLessThan(0.6);
    expect({ ...again, cpuSecondsPerCycle: [] }).toEqual({ ...chosen, cpuSecondsPerCycle: [] });
    expect(chosen.cpuSecondsPerCycle).toHaveLength(3);
    expect(chosen.enrichment.at(-1)).toBeCloseTo(chosen.recall.at(-1)! / (23 / 120), 12);
    // Both began with the same molecules.
    expect(random.recall[0]).toBe(chosen.recall[0]);
  });

  test('measures the same molecules however the file lists them, from the same first ones', async () => {
    const order = createRandom(9).shuffle(inOrder(60));
    const initial = inOrder(8).map((i) => 7 * i);
    const moved = initial.map((i) => order.indexOf(i));
    const straight = await replay(lineOf(60, inOrder(60)), protocolOf('ei'), fit, { seed: 1, initial });
    const shuffled = await replay(lineOf(60, order), protocolOf('ei'), fit, { seed: 1, initial: moved });
    expect(shuffled.recall).toEqual(straight.recall);
  });

  test('a molecule without a value costs budget and teaches nothing', async () => {
    const whole = lineOf(60, inOrder(60));
    const values = whole.values.map((value, row) => (row % 3 === 0 ? null : value));
    const labels: number[] = [];
    const watching = (labelled: LabelledSet, seed: number) => {
      labels.push(labelled.targets.length);
      expect(labelled.targets.every(Number.isFinite)).toBe(true);
      return fit(labelled, seed);
    };
    const initial = inOrder(12);
    const run = await replay({ ...whole, values }, protocolOf('ei', { rounds: 2 }), watching, {
      seed: 1,
      initial,
    });
    expect(run.measured).toEqual([12, 17, 22]);
    expect(labels[0]).toBe(8);
    expect(labels[1]).toBeLessThanOrEqual(13);
  });

  test('with too few labels for a model it goes on at random', async () => {
    const table = { ...lineOf(30, inOrder(30)), values: inOrder(30).map((i) => (i < 28 ? null : i)) };
    const run = await replay(table, protocolOf('ei', { initial: 1, rounds: 2 }), fit, {
      seed: 2,
      initial: [0],
    });
    expect(run.measured).toEqual([1, 6, 11]);
  });

  test('takes all that is left when a batch would be larger, and then nothing', async () => {
    const table = lineOf(12, inOrder(12));
    const run = await replay(table, protocolOf('greedy', { top: 3 }), fit, { seed: 2 });
    expect(run.measured).toEqual([8, 12, 12, 12]);
    expect(run.recall.at(-1)).toBe(1);
  });

  test('counts the actives of a screen', async () => {
    const values = inOrder(40).map((i) => (i % 5 === 0 ? 1 : 0));
    const table: ReplayTable = { ...lineOf(40, inOrder(40)), values, kind: 'screen' };
    const run = await replay(table, protocolOf('random', { rounds: 8, top: 2 }), fit, { seed: 2 });
    expect(run.hits.at(-1)).toBe(8);
    expect(run.recall.at(-1)).toBe(1);
  });

  test('judges the model on rows that are held out and never picked', async () => {
    const table = lineOf(80, inOrder(80));
    const learn = protocolOf('ei', { goal: { kind: 'learn' }, test: 16, batch: 20 });
    const run = await replay(table, learn, fit, { seed: 3 });
    expect(run.rmse).toHaveLength(4);
    expect(run.rmse!.at(-1)!).toBeLessThan(run.rmse![0]!);
    expect(run.measured.at(-1)).toBe(64);
    expect(run.coverage90!.every((share) => share! > 0.5)).toBe(true);
    const random = await replay(table, { ...learn, acquisition: protocolOf('random').acquisition }, fit, {
      seed: 3,
    });
    expect(random.rmse![0]).toBe(run.rmse![0]);
  });

  test('has no figures while there is no model', async () => {
    const table = lineOf(40, inOrder(40));
    const flat = { ...table, values: table.values.map((value, row) => (row < 30 ? 1 : value)) };
    const options = { seed: 1, initial: inOrder(5), heldOut: [36, 37, 38] };
    const run = await replay(flat, protocolOf('greedy', { test: 3, rounds: 1, batch: 30 }), fit, options);
    expect(run.rmse![0]).toBeNull();
    expect(run.rmse![1]).toBeGreaterThan(0);
  });

  test('never asks again for what is late, and has all of it in the end', async () => {
    const late = { failed: 0, abandoned: 0, late: 0.5, corrected: 0, retryFailed: false };
    const table = lineOf(60, inOrder(60));
    const run = await replay(table, protocolOf('ei', { mishaps: late, batch: 8 }), fit, { seed: 2 });
    expect(run.measured).toEqual([8, 16, 24, 32]);
    // Late of one batch come in with the next; asked for twice, a molecule would be paid for and be one label.
    expect(run.labels).toEqual([8, 12, 20, 32]);
    expect(run.proposed!.at(-1)).toBe(run.recall.at(-1));
  });

  test('judges a screen by how it ranks actives', async () => {
    const table = lineOf(60, inOrder(60));
    const values = table.values.map((value) => (value! > 1.4 ? 1 : 0));
    const screen: ReplayTable = { ...table, values, kind: 'screen' };
    const goal = { kind: 'actives', threshold: 0.5 } as const;
    const run = await replay(screen, protocolOf('greedy', { goal, test: 20, initial: 12 }), fit, { seed: 2 });
    expect(run.auroc!.at(-1)!).toBeGreaterThan(0.8);
    expect(run.logLoss!.at(-1)!).toBeLessThan(0.6);
    expect(run.rmse).toBeUndefined();
  });

  test.each([
    ['a row that is not there', [0, 60]],
    ['a row twice', [3, 3]],
  ])('refuses %s among the first molecules', async (_name, initial) => {
    await expect(
      replay(lineOf(60, inOrder(60)), protocolOf('ei'), fit, { seed: 1, initial }),
    ).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('molecules held out', () => {
  const values = inOrder(50).map((i) => (i % 7 === 0 ? null : i % 10 === 1 ? 1 : 0));
  const table: ReplayTable = { ...lineOf(50, inOrder(50)), values, kind: 'screen' };

  test('have values, are none of the first ones, and of a screen hold actives and inactives', () => {
    const rows = heldOutRows(table, 5, 3, [1, 2, 3]);
    expect(new Set(rows).size).toBe(5);
    expect(rows.every((row) => values[row] !== null && ![1, 2, 3].includes(row))).toBe(true);
    expect(new Set(rows.map((row) => values[row]))).toEqual(new Set([0, 1]));
    expect(heldOutRows(table, 5, 3, [1, 2, 3])).toEqual(rows);
  });

  test.each([
    ['a row without a value', [7]],
    ['a first molecule', [2]],
    ['a row twice', [4, 4]],
  ])('may not be %s', (_name, given) => {
    expect(() => heldOutRows(table, given.length, 3, [1, 2, 3], given)).toThrow(/held-out/);
  });
});

describe('what is found', () => {
  const value = fc.option(fc.integer({ min: -4, max: 4 }), { nil: null, freq: 6 });
  const cases = fc.record({
    values: fc.array(value, { minLength: 1, maxLength: 40 }),
    top: fc.integer({ min: 1, max: 12 }),
    direction: fc.constantFrom('maximize' as const, 'minimize' as const),
    picked: fc.infiniteStream(fc.boolean()),
  });

  test('is the overlap of two multisets: the best values, and the values picked', () => {
    fc.assert(
      fc.property(cases, ({ values, top, direction, picked }) => {
        const sign = direction === 'maximize' ? 1 : -1;
        const taken = values.filter(() => picked.next().value);
        const left = values.flatMap((v) => (v === null ? [] : [sign * v])).sort((a, b) => b - a);
        const best = left.slice(0, top);
        let overlap = 0;
        for (const v of taken) {
          const at = v === null ? -1 : best.indexOf(sign * v);
          if (at < 0) continue;
          best.splice(at, 1);
          overlap++;
        }
        const found = new Found(values, top, direction);
        expect(found.count(taken)).toBe(overlap);
        expect(found.count(values)).toBe(found.top);
      }),
    );
  });
});

test('sizes are shares of the pool or numbers', () => {
  expect([sizeOf(0.01, 10560, '--batch'), sizeOf(0.05, 100, '--batch'), sizeOf(64, 100, '--batch')]).toEqual([
    106, 5, 64,
  ]);
  for (const wrong of [0, 1.5, 101]) expect(() => sizeOf(wrong, 100, '--batch')).toThrow(/--batch/);
});
