import type { FeatureMatrix, GaussianProcessSettings } from '../../../src/contracts';
import { selectFeatureRows } from '../../../src/foundation';
import { createGaussianProcess } from '../../../src/learning/gaussian-process';
import { choleskyInPlace } from '../../../src/learning/gaussian-process/cholesky';
import { COVARIANCE_MAX_ROWS, type LabelledSet } from '../../../src/learning/learning';
import { fingerprints, labelled, NOISE_RATIOS, noisy, truth } from '../synthetic';
import { countMatrix, randomCountRows } from './count-rows';

const settings: GaussianProcessSettings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS };
const gp = createGaussianProcess({ threads: 2 });
afterAll(() => gp.close());
const fit = (set: LabelledSet) => gp.fit({ settings, labelled: set, seed: 1 });

const bits = fingerprints(60, 1);
const counts = countMatrix(randomCountRows(60, 1, 3));
const layouts: [string, FeatureMatrix, FeatureMatrix][] = [
  ['bits', bits, fingerprints(300, 2)],
  ['counts', counts, countMatrix(randomCountRows(300, 2, 3, 90))],
];

describe.each(layouts)('the joint covariance (%s)', (_layout, features, many) => {
  const y = noisy(truth(bits), 0.4, 3);

  test('has the epistemic variances on its diagonal, is symmetric, and positive semi-definite', async () => {
    const model = await fit(labelled(features, y));
    const rows = 300;
    const joint = await model.covariance(many);
    const { epistemic } = await model.predict(many);
    const shifted = joint.slice();
    for (let i = 0; i < rows; i++) {
      expect(Math.sqrt(joint[i * rows + i]!)).toBeCloseTo(epistemic[i]!, 12);
      shifted[i * rows + i]! += 1e-9 * joint[i * rows + i]!;
      for (let j = 0; j < i; j++) if (joint[i * rows + j] !== joint[j * rows + i]) throw new Error('skew');
    }
    expect(choleskyInPlace(shifted, rows)).toBe(-1);
  });

  test('is what many joint draws scatter by', async () => {
    const model = await fit(labelled(features, y));
    const few = selectFeatureRows(many, [0, 1, 2, 3]);
    const joint = await model.covariance(few);
    const draws = await model.sample(few, 4000, 5);
    const { mean } = await model.predict(few);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j <= i; j++) {
        const seen = draws.reduce((sum, d) => sum + ((d[i]! - mean[i]!) * (d[j]! - mean[j]!)) / 4000, 0);
        const size = Math.sqrt(joint[i * 4 + i]! * joint[j * 4 + j]!);
        expect(Math.abs(seen - joint[i * 4 + j]!)).toBeLessThan(0.1 * size);
      }
    }
  });

  test('a loaded model has the same covariance and properties, bit for bit', async () => {
    const set = labelled(features, y);
    const model = await fit({ ...set, auxiliary: [labelled(features, y.map(Math.abs))] });
    const loaded = await gp.load(await model.serialise());
    const few = selectFeatureRows(many, [5, 6, 7]);
    expect(await loaded.covariance(few)).toEqual(await model.covariance(few));
    expect(await loaded.predictAll(few)).toEqual(await model.predictAll(few));
    expect(await loaded.serialise()).toEqual(await model.serialise());
  });
});

describe('several properties', () => {
  const y = noisy(truth(bits), 0.4, 3);
  const missing = (value: number, row: number) => (row % 3 === 0 ? NaN : -2 * value);

  test('each is what it would be alone, rows without a value of it left out', async () => {
    const other = y.map(missing);
    const set = { ...labelled(bits, y), auxiliary: [labelled(bits, other), labelled(bits, y)] };
    const queries = fingerprints(20, 9);
    const all = await (await fit(set)).predictAll(queries);
    expect(all).toHaveLength(3);
    const rows = [...y.keys()].filter((row) => row % 3 !== 0);
    const alone = await fit(
      labelled(
        selectFeatureRows(bits, rows),
        rows.map((row) => other[row]!),
      ),
    );
    expect(all[1]).toEqual(await alone.predict(queries));
    expect(all[0]).toEqual(await (await fit(labelled(bits, y))).predict(queries));
    expect(all[2]).toEqual(all[0]);
  });

  test('the wanted one may lack values too; a property hardly measured is named', async () => {
    const set = labelled(bits, y.map(missing));
    const model = await fit({ ...set, auxiliary: [labelled(bits, y)] });
    expect(model.facts.rows).toBe(40);
    const hardly = labelled(
      bits,
      y.map((value, row) => (row === 4 ? value : NaN)),
    );
    await expect(fit({ ...labelled(bits, y), auxiliary: [hardly] })).rejects.toMatchObject({
      code: 'labels-insufficient',
      message: expect.stringContaining('auxiliary property 1'),
    });
  });

  test('a covariance of more rows than allowed is refused', async () => {
    const model = await fit(labelled(bits, y));
    const rows = Array<number>(COVARIANCE_MAX_ROWS + 1).fill(0);
    await expect(model.covariance(selectFeatureRows(bits, rows))).rejects.toMatchObject({ code: 'usage' });
  });
});
