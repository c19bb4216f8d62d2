import '../../support/property-seed';
import fc from 'fast-check';
import { Neighbourhoods, tanimoto, unpackFingerprint } from '../../../src/acquisition/constraints/clusters';

const fingerprint = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 8 }).map((bits) => {
  const words = new Uint32Array(2);
  for (const bit of bits) words[bit >> 5]! |= 1 << (bit & 31);
  return words;
});
const bitsOf = (print: Uint32Array) =>
  new Set(Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (print[bit >> 5]! >>> (bit & 31)) & 1));

test('the Tanimoto coefficient is the share of common bits', () => {
  fc.assert(
    fc.property(fingerprint, fingerprint, (a, b) => {
      const [left, right] = [bitsOf(a), bitsOf(b)];
      const both = [...left].filter((bit) => right.has(bit)).length;
      const either = new Set([...left, ...right]).size;
      expect(tanimoto(a, b)).toBeCloseTo(either === 0 ? 1 : both / either, 12);
    }),
  );
  expect([...unpackFingerprint(Buffer.from([1, 0, 0, 0x80, 2, 0, 0, 0]).toString('base64'))]).toEqual([
    0x80000001, 2,
  ]);
});

test('none has more near it than allowed, nothing is refused without need, and order does not matter', () => {
  fc.assert(
    fc.property(
      fc.array(fingerprint, { maxLength: 25 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(0.1, 0.3, 0.5, 1),
      (prints, most, similarity) => {
        const near = (a: Uint32Array, b: Uint32Array) => tanimoto(a, b) >= similarity;
        const allowed = (set: readonly Uint32Array[]) =>
          set.every((a) => set.filter((b) => near(a, b)).length <= most);
        const picked: Uint32Array[] = [];
        const hoods = new Neighbourhoods(most, similarity);
        for (const print of prints) {
          expect(hoods.fits(print)).toBe(allowed([...picked, print]));
          if (!hoods.fits(print)) continue;
          hoods.take(print);
          picked.push(print);
        }
        const again = new Neighbourhoods(most, similarity);
        for (const print of [...picked].reverse()) {
          expect(again.fits(print)).toBe(true);
          again.take(print);
        }
      },
    ),
    { numRuns: 300 },
  );
});
