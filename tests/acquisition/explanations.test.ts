import { chooseBatch, similarity, sparseRowsOf, type BatchRules } from '../../src/acquisition';
import {
  fingerprintsOf,
  idOf,
  randomPool,
  requestOf,
  surrogateOf,
  type Overrides,
  type Pool,
} from './support/requests';

describe('a batch explains itself', () => {
  const pool: Pool = { ids: [idOf(0)], mean: [1.1], sigma: [0.6] };

  it('says in one sentence why, with the numbers', async () => {
    const reason = async (acquisition: object, extra: Overrides = {}) =>
      (await chooseBatch(requestOf(pool, { acquisition, incumbent: 1.2, batchSize: 1, ...extra }))).picks[0]!
        .reason;
    expect(await reason({ strategy: 'ei' })).toBe(
      'Expected to improve on the best (1.20) by 0.19: predicted 1.10 ± 0.60.',
    );
    expect(await reason({ strategy: 'ei' }, { incumbent: null })).toBe(
      'Expected to improve on the best prediction (1.10) by 0.24: predicted 1.10 ± 0.60.',
    );
    expect(await reason({ strategy: 'pi' })).toBe(
      'Beyond the best (1.20) with a probability of 43 %: predicted 1.10 ± 0.60.',
    );
    expect(await reason({ strategy: 'greedy' }, { direction: 'minimize' })).toBe(
      'Among the lowest predictions: predicted 1.10 ± 0.60 (best measured: 1.20).',
    );
    expect(await reason({ strategy: 'ucb', kappa: 2 })).toBe(
      'Could be as high as 2.30, 2 standard deviations beyond its mean: predicted 1.10 ± 0.60 (best measured: 1.20).',
    );
    expect(await reason({ strategy: 'uncertainty' })).toBe(
      'Among those that the model knows least of: predicted 1.10 ± 0.60.',
    );
    expect(await reason({ strategy: 'thompson' })).toMatch(
      /^Best of those left in draw 1 of 1 from the model's posterior, with -?\d\.\d\d: predicted 1\.10 ± 0\.60\.$/,
    );
    expect(await reason({ strategy: 'nipv' })).toBe(
      'Measuring it would take away 59 % of what the model does not know of 1 candidates: predicted 1.10 ± 0.60.',
    );
    expect(await reason({ strategy: 'maxmin' })).toBe('The first of a batch that is spread over the pool.');
    expect(await reason({ strategy: 'random' })).toBe(
      'Picked at random from 1 candidates: the campaign picks at random.',
    );
    expect(await reason({ strategy: 'ei' }, { surrogate: null })).toBe(
      'Picked at random from 1 candidates: there is no model yet.',
    );
  });

  it('tells what the model expects, what made the score, and the measured molecule most like each pick', async () => {
    const many = randomPool(12, 3);
    const measured = ['x', 'y', 'z'].map(idOf);
    const { picks } = await chooseBatch(
      requestOf(many, {
        acquisition: { strategy: 'ei' },
        batchSize: 3,
        measured,
        surrogate: surrogateOf(many, 0.3),
      }),
    );
    for (const { moleculeId, predicted, terms, value, nearest } of picks) {
      const i = many.ids.indexOf(moleculeId);
      expect(predicted).toEqual({ mean: many.mean[i], total: Math.hypot(many.sigma[i]!, 0.3) });
      expect(terms!.exploit + terms!.explore).toBeCloseTo(value!, 9);
      const rows = sparseRowsOf(fingerprintsOf([moleculeId, ...measured]))!;
      const alike = measured.map((_, m) => similarity(rows, 0, rows, m + 1));
      expect(nearest!.similarity).toBeCloseTo(Math.max(...alike), 12);
      expect(alike[measured.indexOf(nearest!.moleculeId)]).toBeCloseTo(nearest!.similarity, 12);
    }
  });

  it('tells who was passed over, and why', async () => {
    const ids = [0, 1, 2, 3].map(idOf);
    const four: Pool = { ids, mean: [4, 3, 2, 1], sigma: [1, 1, 1, 1] };
    let taken = 0;
    const rules: BatchRules = {
      admits: () => true,
      begin: (size) => ({
        ...{ size, required: [] },
        whyNot: (id) => (id === ids[1] && taken > 0 ? 'there is one of its scaffold' : null),
        fits: (id) => id !== ids[1] || taken === 0,
        take: () => void taken++,
      }),
    };
    const batch = await chooseBatch(
      requestOf(four, { acquisition: { strategy: 'greedy' }, batchSize: 2, rules }),
    );
    expect(batch.picks.map(({ moleculeId }) => moleculeId)).toEqual([ids[0], ids[2]]);
    expect(batch.picks[1]!.passedOver).toEqual([
      { moleculeId: ids[1], value: 3, why: 'there is one of its scaffold' },
    ]);
    expect(batch.passedOver).toEqual([{ moleculeId: ids[3], value: 1, why: 'Came next by greedy.' }]);
  });
});
