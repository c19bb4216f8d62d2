import {
  FoundFront,
  replay,
  type ReplayProtocol,
  type ReplayTable,
  type SeveralProperties,
} from '../../../src/acquisition';
import { campaignConfigSchema, featurizerSchema, type Strategy } from '../../../src/contracts';
import { createLearning, type LabelledSet } from '../../../src/learning';

const several: SeveralProperties = {
  property: 'up',
  others: [{ property: 'down', direction: 'minimize' }],
};

/**
 * Points on a line. `up` rises with the place and `down` is to be small, but falls where `up` does: the trade-offs are the right half of the line. Of
 * every fourth molecule `down` is missing, of every ninth `up`.
 */
function trade(n: number): ReplayTable {
  const place = Array.from({ length: n }, (_, i) => i / n);
  return {
    features: {
      spec: featurizerSchema.parse({ kind: 'descriptors' }),
      moleculeIds: place.map((_, i) => `point-${i}`),
      ...{ rows: n, columns: 1, layout: 'dense', data: Float32Array.from(place) },
    },
    values: place.map((x, i) => (i % 9 === 5 ? null : x + 0.3 * Math.sin(9 * x))),
    kind: 'property',
    others: [{ property: 'down', values: place.map((x, i) => (i % 4 === 3 ? null : (x - 0.4) ** 2)) }],
  };
}

const protocolOf = (strategy: Strategy, more: Partial<ReplayProtocol> = {}): ReplayProtocol => ({
  ...{ direction: 'maximize', goal: { kind: 'pareto' }, several, initial: 8, batch: 5, rounds: 3 },
  ...{ top: 10, test: 0 },
  acquisition: campaignConfigSchema.shape.acquisition.parse({ strategy }),
  ...more,
});

describe('a replay of several properties', () => {
  const learning = createLearning({ threads: 1, backend: 'cpu' });
  afterAll(() => learning.close());
  const labels: number[] = [];
  const fit = async (labelled: LabelledSet, seed: number) => {
    labels.push(labelled.targets.length);
    const settings = { family: 'gaussian-process', noiseRatios: [0.01, 0.1] } as const;
    return { model: await learning.fit({ settings, labelled, seed }), calibrationScale: 1 };
  };

  test('finds the trade-offs that chance does not, and the same again with the same seed', async () => {
    const table = trade(150);
    const [chosen, again, random] = await Promise.all(
      (['auto', 'auto', 'random'] as const).map((strategy) =>
        replay(table, protocolOf(strategy), fit, { seed: 4 }),
      ),
    );
    expect(chosen!.decided).toEqual(['ehvi', 'ehvi', 'ehvi']);
    expect({ ...again!, cpuSecondsPerCycle: [] }).toEqual({ ...chosen!, cpuSecondsPerCycle: [] });
    expect(chosen!.hypervolume).toHaveLength(4);
    expect(chosen!.hypervolume![0]).toBe(random!.hypervolume![0]);
    expect(chosen!.hypervolume!.at(-1)!).toBeGreaterThan(0.9);
    expect(random!.hypervolume!.at(-1)!).toBeLessThan(0.9);
    for (let at = 1; at < 4; at++)
      expect(chosen!.hypervolume![at]!).toBeGreaterThanOrEqual(chosen!.hypervolume![at - 1]!);
    expect(chosen!.frontSize!.at(-1)!).toBeGreaterThan(3);
  });

  test('learns of each property from the molecules that have a value of it', async () => {
    const table = trade(60);
    labels.length = 0;
    const initial = [0, 3, 5, 7, 14, 20, 24, 30, 36, 40];
    await replay(table, protocolOf('ehvi', { rounds: 1 }), fit, { seed: 1, initial });
    // 5 and 14 have no `up`; 3 and 7 no `down`.
    expect(labels).toEqual([8, 8]);
  });

  test('under another goal goes by the first property, and is judged by all', async () => {
    const table = trade(150);
    const first = await replay(table, protocolOf('greedy', { goal: { kind: 'best' } }), fit, { seed: 4 });
    expect(first.hypervolume!.at(-1)!).toBeLessThan(0.9);
    const alone = await replay(
      { ...table, others: undefined },
      protocolOf('greedy', { goal: { kind: 'best' }, several: undefined }),
      fit,
      { seed: 4 },
    );
    expect(alone.recall).toEqual(first.recall);
    expect(alone.hypervolume).toBeUndefined();
  });

  test('what is late or fails tells nothing of any property', async () => {
    const table = { ...trade(60), others: [{ property: 'down', values: trade(60).values.map((_, i) => i) }] };
    const mishaps = { failed: 0.4, abandoned: 0, late: 0.4, corrected: 0, retryFailed: false };
    labels.length = 0;
    const batches = protocolOf('ehvi', { mishaps, batch: 10, rounds: 2 });
    const initial = [0, 1, 2, 4, 6, 8, 10, 12];
    await replay(table, batches, fit, { seed: 1, initial });
    // The second model of `down`: the first molecules, and the 2 of the first batch that neither failed nor came late.
    expect(labels[3]).toBe(8 + 2);
  });
});

describe('the share of the front that was found', () => {
  const table = trade(40);
  const rows = [...Array(40).keys()];
  const front = new FoundFront(table, { direction: 'maximize', several }, rows);

  test('is all of it once the whole pool is measured, and nothing before', () => {
    expect(front.of(rows).hypervolume).toBeCloseTo(1, 12);
    expect(front.of([])).toEqual({ hypervolume: 0, frontSize: 0 });
    // A molecule that lacks a value is on no front.
    expect(front.of([3])).toEqual({ hypervolume: 0, frontSize: 0 });
  });

  test('begins at the reference that is given', () => {
    const beyond = { ...several, reference: 100 };
    const none = new FoundFront(table, { direction: 'maximize', several: beyond }, rows);
    expect(none.of(rows).hypervolume).toBe(0);
  });
});
