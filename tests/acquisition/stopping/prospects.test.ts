import { prospectsOf, type ProspectsRequest, type Surrogate } from '../../../src/acquisition';
import { createRandom, normalCdf, selectFeatureRows } from '../../../src/foundation';
import { createLearning } from '../../../src/learning';
import { bitPool } from '../support/bit-pool';

const { features, values } = bitPool(300, 10);
const place = new Map(features.moleculeIds.map((id, row) => [id, row]));
const rowsOf = (ids: readonly string[]) => ids.map((id) => place.get(id)!);
const featuresOf = (ids: readonly string[]) => selectFeatureRows(features, rowsOf(ids));

describe('what a model expects of the molecules left', () => {
  const learning = createLearning({ threads: 1, backend: 'cpu' });
  let model: Awaited<ReturnType<typeof learning.fit>>;
  const measured = createRandom(5)
    .shuffle([...features.moleculeIds])
    .slice(0, 60);
  const left = features.moleculeIds.filter((id) => !measured.includes(id));
  beforeAll(async () => {
    const targets = Float64Array.from(rowsOf(measured), (row) => values[row]!);
    model = await learning.fit({
      settings: { family: 'gaussian-process', noiseRatios: [0.01, 0.1] },
      labelled: {
        features: featuresOf(measured),
        targets,
        qualifiers: measured.map(() => '=' as const),
        replicates: new Float64Array(60).fill(1),
      },
      seed: 1,
    });
  });
  afterAll(async () => {
    model.dispose();
    await learning.close();
  });

  const request = (overrides: Partial<ProspectsRequest> = {}): ProspectsRequest => ({
    moleculeIds: left,
    batch: left.slice(0, 10),
    surrogate: { model, calibrationScale: 1 },
    features: () => [features],
    featuresOf,
    direction: 'maximize',
    best: 4.4,
    margin: 0,
    seed: 2,
    ...overrides,
  });

  test('the chance falls with the margin and with the best value, from certainty to next to nothing', async () => {
    const at = async (best: number, margin = 0) => (await prospectsOf(request({ best, margin }))).chance;
    const chances = [await at(0), await at(3.5), await at(3.5, 0.5), await at(6)];
    expect(chances).toEqual([...chances].sort((a, b) => b - a));
    expect(chances[0]).toBeCloseTo(1, 3);
    // Never nought: so many draws say no more.
    expect(chances[3]).toBeCloseTo(1 / 2001, 3);
  });

  test('a calibration that widens the deviations raises it', async () => {
    const wide: Surrogate = { model, calibrationScale: 2 };
    const [narrow, wider] = [await prospectsOf(request()), await prospectsOf(request({ surrogate: wide }))];
    expect(wider.chance).toBeGreaterThan(narrow.chance);
    expect(wider.batchGain).toBeGreaterThan(narrow.batchGain);
  });

  test('of one molecule it is the normal distribution, and the gain the expected improvement', async () => {
    const one = [left[7]!];
    const { mean, epistemic } = await model.predict(featuresOf(one));
    const best = mean[0]! + 0.5 * epistemic[0]!;
    const found = await prospectsOf(request({ moleculeIds: one, batch: one, best }));
    expect(found).toMatchObject({ left: 1, drawn: 1, batchSize: 1, best, margin: 0 });
    expect(found.chance).toBeCloseTo(normalCdf(-0.5), 1);
    // E[max(0, Y - best)] of a standard normal half a deviation short is 0.1978.
    expect(found.batchGain / epistemic[0]!).toBeCloseTo(0.198, 1);
  });

  test('minimising is maximising the other way round, for the same model seen in a mirror', async () => {
    const mirror: Surrogate = {
      calibrationScale: 1,
      model: {
        predict: async (rows) => {
          const prediction = await model.predict(rows);
          return { ...prediction, mean: prediction.mean.map((value) => -value) };
        },
        sample: async (...args) => (await model.sample(...args)).map((draw) => draw.map((value) => -value)),
      },
    };
    const up = await prospectsOf(request());
    const down = await prospectsOf(request({ surrogate: mirror, direction: 'minimize', best: -4.4 }));
    expect({ ...down, best: 4.4 }).toEqual(up);
  });

  test('depends neither on the order of the pool nor on the parts that features come in', async () => {
    const shuffled = createRandom(4).shuffle([...left]);
    const parts = [shuffled.slice(0, 77), shuffled.slice(77)].map(featuresOf);
    const other = await prospectsOf(request({ moleculeIds: shuffled, features: () => parts }));
    const own = await prospectsOf(request());
    expect(other.chance).toBeCloseTo(own.chance, 10);
    expect({ ...other, chance: 0 }).toEqual({ ...own, chance: 0 });
  });
});
