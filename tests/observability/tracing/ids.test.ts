import fc from 'fast-check';
import {
  hash128,
  readTraceParent,
  roundSpanId,
  roundTraceId,
  runSpanId,
  traceParentText,
} from '../../../src/contracts';
import { isKept } from '../../../src/observability/tracing/sampling';
import '../../support/property-seed';

const hex = (digits: number) =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)).filter((id) => !/^0+$/.test(id));

describe('ids of traces and spans', () => {
  // As mmh3 5 (PyPI) has them: hash_bytes(text, 0, x64arch=False).
  test.each([
    ['', '00000000000000000000000000000000'],
    ['a', 'a794933c5556b01b5556b01b5556b01b'],
    ['abcdefghijklmno', 'ee6d1d694a1ad5ae84ce1457ada761a8'],
    ['abcdefghijklmnop', '9fd2762790b91256e4ce8b21d193ba45'],
    ['abcdefghijklmnopq', '0445a4d364515c6fd96ddc2a1d11079d'],
    ['solubility-42/round/3', 'd4f5a663adb31afb06e55a244faa3c90'],
  ])('%j hashes as MurmurHash3 does', (text, hash) => {
    expect(hash128(text)).toBe(hash);
  });

  test('a round has one trace, and spans that no other round has', () => {
    const ids = new Set<string>();
    for (let campaign = 0; campaign < 100; campaign++)
      for (let round = 0; round < 100; round++) {
        ids.add(roundTraceId(`c-${campaign}`, round));
        ids.add(roundSpanId(`c-${campaign}`, round, 'round'));
        ids.add(roundSpanId(`c-${campaign}`, round, 'lab'));
        ids.add(runSpanId(`${campaign}-${round}`));
      }
    expect(ids.size).toBe(40_000);
    expect(roundTraceId('c-1', 1)).toBe(hash128('c-1/round/1'));
  });

  test('a traceparent is read as it was written', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
        const parent = { traceId, spanId, sampled };
        expect(readTraceParent(traceParentText(parent))).toEqual(parent);
      }),
    );
  });

  test.each([
    [undefined],
    [7],
    ['00-abc-def-01'],
    [`00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`],
    [`00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`],
    [`00-${'A'.repeat(32)}-${'1'.repeat(16)}-01`],
    [`00-${'1'.repeat(32)}-${'1'.repeat(16)}-01, x`],
  ])('%j is no traceparent', (text) => {
    expect(readTraceParent(text)).toBeNull();
  });

  test('a share of the rounds is kept, and every process keeps the same', () => {
    const ids = Array.from({ length: 20_000 }, (_, round) => roundTraceId('c', round));
    expect(ids.filter((id) => isKept(id, 0))).toHaveLength(0);
    expect(ids.filter((id) => isKept(id, 1))).toHaveLength(20_000);
    const quarter = ids.filter((id) => isKept(id, 0.25));
    expect(Math.abs(quarter.length - 5000)).toBeLessThan(250);
    // Those of a smaller share are among those of a larger one.
    expect(quarter.every((id) => isKept(id, 0.5))).toBe(true);
  });
});
