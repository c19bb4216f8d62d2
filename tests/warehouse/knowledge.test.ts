import { outstandingPicks, takeStock, type OpenedBatch, type StandingResult } from '../../src/warehouse';
import { molecule, result } from './campaigns';
import type { ResolvedResult } from '../../src/warehouse';

const id = (n: number) => molecule(n).moleculeId;
const standing = (r: ResolvedResult, chunk = 1): StandingResult => ({ result: r, chunk });
const batch = (batchId: string, afterChunks: number, ...ns: number[]): OpenedBatch => ({
  batchId,
  afterChunks,
  moleculeIds: ns.map(id),
});
const stock = (results: StandingResult[], more: Partial<Parameters<typeof takeStock>[0]> = {}) =>
  takeStock({ results, batches: [], prior: [], direction: 'maximize', retryFailed: false, ...more });

describe('outstanding picks', () => {
  const outstanding = (batches: OpenedBatch[], results: StandingResult[]) =>
    Object.fromEntries([...outstandingPicks(batches, results)].map(([name, ids]) => [name, ids.length]));

  test('every terminal outcome settles a pick; a measured value settles it wherever and whenever it came', () => {
    const b = batch('b1', 0, 1, 2, 3, 4);
    const results = [
      result('a', 1),
      result('b', 2, { outcome: 'failed' }),
      result('c', 3, { outcome: 'abandoned' }),
    ];
    expect(
      outstanding(
        [b],
        results.map((r) => standing(r)),
      ),
    ).toEqual({ b1: 1 });
    expect(outstanding([batch('b1', 5, 1)], [standing(result('a', 1, { batchId: 'elsewhere' }))])).toEqual({
      b1: 0,
    });
  });

  test('an old failure does not settle a later try, whether it names its batch or not', () => {
    const batches = [batch('b1', 0, 1), batch('b2', 1, 1)];
    const failed = { outcome: 'failed' } as const;
    expect(outstanding(batches, [standing(result('a', 1, failed), 1)])).toEqual({ b1: 0, b2: 1 });
    expect(outstanding(batches, [standing(result('a', 1, { ...failed, batchId: 'b1' }), 2)])).toEqual({
      b1: 0,
      b2: 1,
    });
    expect(outstanding(batches, [standing(result('a', 1, { ...failed, batchId: 'b2' }), 2)])).toEqual({
      b1: 1,
      b2: 0,
    });
    expect(outstanding(batches, [standing(result('a', 1, { ...failed, batchId: 'not ours' }), 2)])).toEqual({
      b1: 0,
      b2: 0,
    });
  });
});

describe('values that were rolled away', () => {
  const batches = [batch('b1', 0, 1, 2), batch('b2', 1, 1, 2)];
  const before = [
    standing(result('a', 1, { batchId: 'b1' }), 1),
    standing(result('b', 2, { batchId: 'b1' }), 1),
  ];
  const outstanding = (results: StandingResult[], counted: StandingResult[]) =>
    Object.fromEntries(outstandingPicks(batches, results, counted));

  test('settle the batch that asked for them, and no later one, which waits for what it asked for', () => {
    expect(outstanding(before, [])).toEqual({ b1: [], b2: [id(1), id(2)] });
    const again = standing(result('c', 1, { batchId: 'b2' }), 2);
    expect(outstanding([...before, again], [again])).toEqual({ b1: [], b2: [id(2)] });
    // Without a name it belongs to what was out when it came.
    const nameless = standing(result('d', 2), 2);
    expect(outstanding([...before, again, nameless], [again, nameless])).toEqual({ b1: [], b2: [] });
    expect(outstanding(before, before)).toEqual({ b1: [], b2: [] });
  });

  test('are pending again once they are out again', () => {
    expect(stock([], { arrived: before, batches: batches.slice(0, 1) }).excluded).toEqual([]);
    expect(stock([], { arrived: before, batches }).pending).toEqual([id(1), id(2)].sort());
  });
});

describe('taking stock', () => {
  test('measured beats failed beats abandoned, in any order', () => {
    const results = [
      ...[result('a', 1), result('b', 1, { outcome: 'failed' })],
      ...[
        result('c', 2, { outcome: 'abandoned' }),
        result('d', 2, { outcome: 'failed' }),
        result('e', 3, { outcome: 'abandoned' }),
      ],
    ].map((r) => standing(r));
    for (const order of [results, [...results].reverse()]) {
      expect(stock(order)).toMatchObject({
        ...{ measured: 1, censored: 0, failed: [id(2)], abandoned: [id(3)], pending: [] },
        ...{ excluded: [id(1), id(2)].sort(), resultIds: ['a', 'b', 'c', 'd', 'e'] },
      });
      expect(stock(order, { retryFailed: true }).excluded).toEqual([id(1)]);
    }
  });

  test('pending picks are excluded, an abandoned one is a candidate again', () => {
    const results = [standing(result('a', 2, { outcome: 'abandoned' }))];
    const known = stock(results, { batches: [batch('b1', 0, 1, 2)] });
    expect([known.pending, known.excluded]).toEqual([[id(1)], [id(1)]]);
  });

  test('the best value is uncensored, in the direction of the objective, of ties that with the smallest id', () => {
    const results = [result('a', 1, { value: 5 }), result('b', 2, { value: 5 }), result('c', 3, { value: 9, qualifier: '>' }), result('d', 4, { value: 1 })].map((r) => standing(r)); // prettier-ignore
    expect(stock(results).best).toMatchObject({ moleculeId: [id(1), id(2)].sort()[0], value: 5 });
    expect(stock(results, { direction: 'minimize' }).best).toMatchObject({ moleculeId: id(4), value: 1 });
    expect(stock([standing(result('c', 3, { qualifier: '>' }))]).best).toBeNull();
    expect(stock(results)).toMatchObject({ measured: 3, censored: 1 });
  });

  test('values measured before count as results', () => {
    const prior = [
      { ...molecule(1), value: 3, qualifier: '=' as const },
      { ...molecule(2), value: 9, qualifier: '=' as const },
    ];
    const known = stock([standing(result('a', 1, { value: 5 }))], { prior });
    expect(known.training.find((row) => row.moleculeId === id(1))).toMatchObject({ value: 4, replicates: 2 });
    expect(known.best).toMatchObject({ moleculeId: id(2), value: 9 });
    expect(known.excluded).toEqual([id(1), id(2)].sort());
  });
});
