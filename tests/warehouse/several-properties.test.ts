import fc from 'fast-check';
import { outstandingPicks, takeStock, type OpenedBatch, type StandingResult } from '../../src/warehouse';
import { molecule, result } from './campaigns';

const id = (n: number) => molecule(n).moleculeId;
const OTHERS = ['logP', 'pKa'];
const batch = (batchId: string, afterChunks: number, ...ns: number[]): OpenedBatch => ({
  ...{ batchId, afterChunks, moleculeIds: ns.map(id) },
});
const stock = (
  results: readonly StandingResult[],
  batches: readonly OpenedBatch[] = [],
  retryFailed = false,
) => takeStock({ results, batches, prior: [], direction: 'maximize', others: OTHERS, retryFailed });

const outcomes = fc.constantFrom('measured' as const, 'failed' as const, 'abandoned' as const);
const row = fc.record({
  ...{ n: fc.integer({ min: 1, max: 5 }), outcome: outcomes, chunk: fc.integer({ min: 1, max: 3 }) },
  property: fc.constantFrom(undefined, ...OTHERS),
  qualifier: fc.constantFrom('=' as const, '<' as const),
  value: fc.integer({ min: -3, max: 3 }),
});
const standing = fc.array(row, { maxLength: 25 }).map((rows) =>
  rows.map(({ n, chunk, outcome, property, qualifier, value }, i): StandingResult => ({
    result: result(`r${i}`, n, {
      ...{ outcome, qualifier },
      ...(property !== undefined && { property }),
      ...(outcome === 'measured' && { value }),
    }),
    chunk,
  })),
);
const batches = [batch('b1', 0, 1, 2, 3), batch('b2', 2, 3, 4, 5)];

describe('what is known of several properties', () => {
  test('the order of arrival never matters', () => {
    fc.assert(
      fc.property(standing, fc.infiniteStream(fc.nat()), fc.boolean(), (results, order, retry) => {
        const keyed = results.map((each) => ({ each, at: order.next().value }));
        const shuffled = keyed.sort((a, b) => a.at - b.at).map(({ each }) => each);
        expect(stock(shuffled, batches, retry)).toEqual(stock(results, batches, retry));
      }),
    );
  });

  test('of each property what it would be alone; a molecule with a value of any is no candidate', () => {
    fc.assert(
      fc.property(standing, fc.boolean(), (results, retryFailed) => {
        const known = stock(results, batches, retryFailed);
        const alone = [undefined, ...OTHERS].map((property) =>
          takeStock({
            results: results
              .filter((each) => each.result.property === property || each.result.outcome === 'abandoned')
              .map(({ result: { property: _, ...own }, chunk }) => ({ result: own, chunk })),
            ...{ batches: [], prior: [], direction: 'maximize', retryFailed },
          }),
        );
        const [first, ...others] = alone;
        for (const key of ['training', 'measured', 'censored', 'failed'] as const) {
          expect(known[key]).toEqual(first![key]);
          known.others.forEach((own, i) => expect(own[key]).toEqual(others[i]![key]));
        }
        const valued = alone.flatMap(({ training }) => training.map(({ moleculeId }) => moleculeId));
        const barred = [...valued, ...known.pending, ...(retryFailed ? [] : first!.failed)];
        expect(known.excluded).toEqual([...new Set(barred)].sort());
        expect(known.abandoned.filter((each) => valued.includes(each))).toEqual([]);
      }),
    );
  });

  test('a pick is back once each property has an outcome, or it was abandoned', () => {
    fc.assert(
      fc.property(standing, (results) => {
        const out = new Set(outstandingPicks(batches, results, results, OTHERS).get('b1'));
        for (const n of [1, 2, 3]) {
          const own = results.filter((each) => each.result.moleculeId === id(n)).map((each) => each.result);
          const each = [undefined, ...OTHERS].every((property) =>
            own.some((r) => r.outcome !== 'abandoned' && r.property === property),
          );
          expect(out.has(id(n))).toBe(!each && !own.some(({ outcome }) => outcome === 'abandoned'));
        }
        // More results never take a pick back out.
        const fewer = new Set(
          outstandingPicks(batches, results.slice(1), results.slice(1), OTHERS).get('b1'),
        );
        for (const pick of out) expect(fewer.has(pick)).toBe(true);
      }),
    );
  });

  test('failed on a further property alone it is a candidate again, once it is back', () => {
    const failed = { result: result('a', 1, { outcome: 'failed', property: 'logP' }), chunk: 1 };
    expect(stock([failed]).excluded).toEqual([]);
    expect(stock([failed], [batch('b', 0, 1)]).excluded).toEqual([id(1)]);
    const first = { result: result('b', 1, { outcome: 'failed' }), chunk: 1 };
    expect(stock([first]).excluded).toEqual([id(1)]);
    expect(stock([first], [], true).excluded).toEqual([]);
  });

  test('a result of none of them is a fault that says so', () => {
    const strange = { result: result('a', 1, { property: 'mood' }), chunk: 1 };
    expect(() => stock([strange])).toThrow(/result 'a' is of 'mood'/);
  });
});
