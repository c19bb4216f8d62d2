import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { sha256 } from '../../src/foundation';
import { createFileCache } from '../../src/objects/file-cache';

const directory = mkdtempSync(path.join(tmpdir(), 'titrate-cache-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('file cache', () => {
  const long = (text: string) => Buffer.alloc(1000, text);
  const get = (cache: ReturnType<typeof createFileCache>, text: string) =>
    cache.pathOf(sha256(long(text)), () => Promise.resolve(Readable.from([long(text)])));
  const age = (file: string, hours: number) => {
    const at = new Date(Date.now() - hours * 3600_000);
    return utimes(file, at, at);
  };

  test('the least recently used go first, and none that may still be in use', async () => {
    const cache = createFileCache(path.join(directory, 'lru'), 2500);
    const [a, b] = [await get(cache, 'a'), await get(cache, 'b')];
    await age(a, 3);
    await age(b, 2);
    expect(await get(cache, 'a')).toBe(a); // used again
    const c = await get(cache, 'c');
    expect([a, b, c].map(existsSync)).toEqual([true, false, true]);
    const d = await get(cache, 'd'); // above the bound, and everything is in use
    expect([a, c, d].map(existsSync)).toEqual([true, true, true]);
  });

  test('two callers of one file share one download, and a failed one leaves nothing', async () => {
    const cache = createFileCache(path.join(directory, 'shared'), 1e6);
    let fetched = 0;
    const fetch = () => {
      fetched++;
      return Promise.resolve(Readable.from([long('x')]));
    };
    const hash = sha256(long('x'));
    expect(await Promise.all([cache.pathOf(hash, fetch), cache.pathOf(hash, fetch)])).toHaveLength(2);
    expect(fetched).toBe(1);
    const other = sha256(long('y'));
    const broken = () => Promise.reject(new Error('offline'));
    await expect(cache.pathOf(other, broken)).rejects.toThrow('offline');
    expect(await get(cache, 'y')).toContain(other);
  });
});
