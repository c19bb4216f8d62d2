import { selectBatch, type SelectRequest } from '../../src/acquisition';
import { TitrateError } from '../../src/contracts';
import { idOf, requestOf, type Pool } from './support/requests';

describe('selectBatch explains itself', () => {
  it('says in one sentence why, with the numbers', () => {
    const pool: Pool = { ids: [idOf(0)], mean: [1.1], sigma: [0.6], draws: [[1.93]] };
    const reason = (acquisition: object, extra: Partial<SelectRequest> = {}) =>
      selectBatch({ ...requestOf(pool, { acquisition, incumbent: 1.2, batchSize: 1 }), ...extra })[0]!.reason;
    expect(reason({ strategy: 'ei' })).toBe(
      'Expected to improve on the best (1.20) by 0.19: predicted 1.10 ± 0.60.',
    );
    expect(reason({ strategy: 'greedy' }, { direction: 'minimize' })).toBe(
      'Among the lowest predictions: predicted 1.10 ± 0.60 (best measured: 1.20).',
    );
    expect(reason({ strategy: 'ucb', kappa: 2 })).toBe(
      'Could be as high as 2.30, 2 standard deviations beyond its mean: predicted 1.10 ± 0.60 (best measured: 1.20).',
    );
    expect(reason({ strategy: 'thompson' })).toBe(
      "Best of those left in draw 1 of 1 from the model's posterior, with 1.93: predicted 1.10 ± 0.60.",
    );
    expect(reason({ strategy: 'random' })).toBe(
      'Picked at random from 1 candidates: the campaign picks at random.',
    );
    expect(reason({ strategy: 'ei' }, { candidates: { moleculeIds: pool.ids } })).toBe(
      'Picked at random from 1 candidates: there is no model yet.',
    );
  });

  it('refuses what it cannot rank', () => {
    const pool: Pool = { ids: [0, 1].map(idOf), mean: [1, NaN], sigma: [1, 1], draws: [] };
    const refused = (request: SelectRequest) => {
      try {
        selectBatch(request);
      } catch (error) {
        expect(error).toBeInstanceOf(TitrateError);
        return (error as TitrateError).code;
      }
      return 'accepted';
    };
    expect(refused(requestOf(pool))).toBe('numerical');
    expect(refused(requestOf(pool, { excluded: new Set([idOf(1)]) }))).toBe('accepted');
    const sound: Pool = { ...pool, mean: [1, 2] };
    expect(refused(requestOf({ ...sound, sigma: [1, -1] }))).toBe('numerical');
    expect(refused(requestOf({ ...sound, sigma: [1] }))).toBe('internal');
    expect(refused(requestOf({ ...sound, ids: [idOf(0), idOf(0)] }))).toBe('internal');
    expect(refused(requestOf(sound, { acquisition: { strategy: 'thompson' } }))).toBe('internal');
    expect(refused(requestOf(sound, { batchSize: -1 }))).toBe('config-invalid');
    expect(refused(requestOf(sound, { batchSize: 1.5 }))).toBe('config-invalid');
  });
});
