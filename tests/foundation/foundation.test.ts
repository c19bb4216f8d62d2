import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import {
  createFileExclusive,
  createRandom,
  decodeNdjson,
  deriveSeed,
  encodeNdjson,
  hashOf,
  writeFileAtomic,
} from '../../src/foundation';

describe('seeded randomness', () => {
  test('the same seed gives the same stream; other seeds another', () => {
    const stream = (seed: number) =>
      Array.from(
        { length: 20 },
        (
          (random) => () =>
            random.next()
        )(createRandom(seed)),
      );
    expect(stream(5)).toEqual(stream(5));
    expect(stream(5)).not.toEqual(stream(6));
    expect(deriveSeed(1, 'a', 2)).not.toBe(deriveSeed(1, 'a', 3));
  });

  test('is uniform and normal to within sampling error', () => {
    const random = createRandom(1);
    const n = 20_000;
    const mean = (draw: () => number) => Array.from({ length: n }, draw).reduce((a, b) => a + b / n, 0);
    expect(mean(() => random.next())).toBeCloseTo(0.5, 2);
    expect(Math.abs(mean(() => random.normal()))).toBeLessThan(0.03);
    expect(mean(() => random.normal() ** 2)).toBeCloseTo(1, 1);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < n; i++) counts[random.below(7)]!++;
    // chi-square with 6 degrees of freedom: 22.5 is its 99.9 % point
    expect(counts.reduce((sum, c) => sum + (c - n / 7) ** 2 / (n / 7), 0)).toBeLessThan(22.5);
  });

  test('property: a shuffle keeps every item', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
        expect(createRandom(seed).shuffle(items).sort()).toEqual([...items].sort());
      }),
    );
  });
});

test('a hash does not depend on the order of keys', () => {
  expect(hashOf({ a: 1, b: [2, { c: 3, d: 4 }] })).toBe(hashOf({ b: [2, { d: 4, c: 3 }], a: 1 }));
});

test('property: NDJSON keeps every row', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ noUnicodeString: false })), (rows) => {
      const plain = JSON.parse(JSON.stringify(rows)) as unknown[];
      expect(decodeNdjson(encodeNdjson(plain))).toEqual(plain);
    }),
  );
});

describe('files', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-files-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  test('of many creators exactly one wins, and nothing else is left behind', async () => {
    const file = path.join(directory, 'a', 'record');
    const won = await Promise.all(Array.from({ length: 20 }, (_, i) => createFileExclusive(file, `${i}`)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(readFileSync(file, 'utf8')).toBe(String(won.indexOf(true)));
    expect(readdirSync(path.dirname(file))).toEqual(['record']);
  });

  test('a replacement is whole', async () => {
    const file = path.join(directory, 'b');
    await writeFileAtomic(file, 'one');
    await writeFileAtomic(file, 'two');
    expect(readFileSync(file, 'utf8')).toBe('two');
  });
});
