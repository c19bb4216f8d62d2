import fc from 'fast-check';
import { standingWithin, type ArrivedResult } from '../../src/warehouse';
import { result } from './campaigns';

const arrived = (id: string, chunk: number, replaces?: string): ArrivedResult => ({
  result: result(id, 1),
  chunk,
  replaces,
});
const standing = (rows: ArrivedResult[], base: string[] | null, afterChunk: number) =>
  standingWithin(rows, { base, afterChunk })
    .map(({ result: { resultId } }) => resultId)
    .sort();

describe('which results stand on a data branch', () => {
  const chain = [arrived('r', 1), arrived('c1', 2, 'r'), arrived('c2', 3, 'c1')];

  test.each([
    ['all of a chain count: its last', null, 0, ['c2']],
    ['a correction that was rolled away replaces nothing', ['r'], 3, ['r']],
    ['over a link that was rolled away', ['r'], 2, ['c2']],
    ['nothing counts', [], 3, []],
  ])('%s', (_name, base, afterChunk, expected) => {
    expect(standing(chain, base, afterChunk)).toEqual(expected);
  });

  test('of each chain the last result that counts, whatever the order, and no other', () => {
    const chains = fc.array(fc.array(fc.record({ counts: fc.boolean() }), { minLength: 1, maxLength: 5 }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(chains, fc.infiniteStream(fc.nat()), (all, order) => {
        const rows = all.flatMap((links, c) =>
          links.map((_, i) => arrived(`${c}/${i}`, 1, i === 0 ? undefined : `${c}/${i - 1}`)),
        );
        const base = all.flatMap((links, c) =>
          links.flatMap(({ counts }, i) => (counts ? [`${c}/${i}`] : [])),
        );
        const expected = all.flatMap((links, c) => {
          const last = links.map(({ counts }) => counts).lastIndexOf(true);
          return last < 0 ? [] : [`${c}/${last}`];
        });
        const keyed = rows.map((row) => ({ row, at: order.next().value }));
        const shuffled = keyed.sort((a, b) => a.at - b.at).map(({ row }) => row);
        expect(standing(shuffled, base, 1)).toEqual(expected.sort());
      }),
    );
  });
});
