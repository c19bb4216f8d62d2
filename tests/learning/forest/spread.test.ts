import { createRandom } from '../../../src/foundation';
import { classSpread, regressionSpread } from '../../../src/learning/forest/spread';

const TARGETS = { mean: 3, variance: 4 };

describe("shares of the trees' disagreement and of the errors near by", () => {
  test.each([
    [0.2, 0.9],
    [1.5, 0.3],
  ])('errors of variance %d disagreement + %d error give these back', (disagreement, error) => {
    const random = createRandom(1);
    const draw = () => Float64Array.from({ length: 20_000 }, () => random.next() ** 2 + 0.01);
    const [variance, near] = [draw(), draw()];
    const squared = variance.map((v, i) => (disagreement * v + error * near[i]!) * random.normal() ** 2);
    const spread = regressionSpread(squared, near, { variance }, TARGETS);
    // The shares are compared in steps of a tenth.
    expect(Math.abs(spread.disagreement - disagreement)).toBeLessThan(0.12 * (disagreement + error));
    expect(Math.abs(spread.error - error)).toBeLessThan(0.12 * (disagreement + error));
  });

  test('without errors to go by, both count whole', () => {
    const none = new Float64Array(5).fill(NaN);
    expect(regressionSpread(none, none, { variance: none }, TARGETS)).toMatchObject({
      error: 1,
      disagreement: 1,
      overall: TARGETS.variance,
    });
  });
});

test('votes become probabilities as they held out of bag; rows that every tree saw say nothing', () => {
  const random = createRandom(2);
  const votes = Float64Array.from({ length: 5000 }, () => 0.5 * random.next());
  const labels = votes.map((vote) => Number(random.next() < Math.min(1, 2 * vote)));
  const unseen = votes.map((vote, row) => (row < 100 ? NaN : vote));
  const { slope, intercept, positives } = classSpread(labels, { mean: unseen }, 200);
  expect(positives).toBeCloseTo(
    labels.reduce((sum, y) => sum + y / 5000, 0),
    12,
  );
  const probabilityOf = (vote: number) =>
    1 / (1 + Math.exp(-slope * Math.log(vote / (1 - vote)) - intercept));
  for (const vote of [0.1, 0.25, 0.4]) expect(Math.abs(probabilityOf(vote) - 2 * vote)).toBeLessThan(0.07);
});
