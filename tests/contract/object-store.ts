import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { sha256 } from '../../src/foundation';
import type { ObjectStore } from '../../src/objects';

async function read(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export interface ObjectStoreUnderTest {
  readonly store: ObjectStore;
  /** Another client of the same store, as another process would have. */
  readonly other: ObjectStore;
  /** Overwrites the stored bytes of an object behind the store's back. */
  corrupt(sha256: string, bytes: Buffer): Promise<void>;
}

/** What every adapter of ObjectStore must do. `open` gives an empty store. */
export function describeObjectStore(name: string, open: () => Promise<ObjectStoreUnderTest>): void {
  describe(`object store: ${name}`, () => {
    const bytes = Buffer.from('CCO ethanol\n');
    const absent = '0'.repeat(64);

    test('gives back what was put, under its own hash, also to another client', async () => {
      const { store, other } = await open();
      const ref = await store.put(bytes, 'text/plain');
      expect(ref).toMatchObject({ sha256: sha256(bytes), bytes: bytes.length, mediaType: 'text/plain' });
      expect(await store.get(ref)).toEqual(bytes);
      expect(await other.get({ sha256: ref.sha256 })).toEqual(bytes);
      expect(await read(await other.openRead(ref))).toEqual(bytes);
      expect(await other.has(ref.sha256)).toBe(true);
      expect(await store.has(absent)).toBe(false);
    });

    test('a reference does not depend on how or how often the bytes were stored', async () => {
      const { store, other } = await open();
      const first = await store.put(bytes, 'text/plain');
      expect(await other.put(bytes, 'text/plain')).toEqual(first);
      expect(
        await store.putStream(Readable.from([bytes.subarray(0, 5), bytes.subarray(5)]), 'text/plain'),
      ).toEqual(first);
    });

    test('empty bytes are an object', async () => {
      const { store } = await open();
      const ref = await store.put(Buffer.alloc(0), 'text/plain');
      expect(ref.bytes).toBe(0);
      expect(await store.get(ref)).toHaveLength(0);
      expect(await store.putStream(Readable.from([]), 'text/plain')).toEqual(ref);
    });

    test('streams larger than any buffer go in and out whole', async () => {
      const { store } = await open();
      const block = randomBytes(1 << 20);
      const ref = await store.putStream(
        Readable.from(Array.from({ length: 8 }, () => block)),
        'application/octet-stream',
      );
      expect(ref.bytes).toBe(8 << 20);
      expect(sha256(await read(await store.openRead(ref)))).toBe(ref.sha256);
    });

    test('a stream that fails stores nothing', async () => {
      const { store } = await open();
      const half = Buffer.from('half of it');
      const failing = Readable.from(
        (async function* () {
          yield half;
          await Promise.resolve();
          throw new Error('the source broke');
        })(),
      );
      await expect(store.putStream(failing, 'text/plain')).rejects.toThrow('the source broke');
      expect(await store.has(sha256(half))).toBe(false);
    });

    test('absent and damaged objects are told apart', async () => {
      const { store, corrupt } = await open();
      for (const call of [store.get, store.openRead, store.localPath]) {
        await expect(call({ sha256: absent })).rejects.toMatchObject({ code: 'artifact-missing' });
      }
      const ref = await store.put(bytes, 'text/plain');
      await corrupt(ref.sha256, Buffer.from('CCO methanol'));
      await expect(store.get(ref)).rejects.toMatchObject({ code: 'artifact-corrupt' });
      await expect(store.openRead(ref).then(read)).rejects.toMatchObject({ code: 'artifact-corrupt' });
      await expect(store.localPath(ref)).rejects.toMatchObject({ code: 'artifact-corrupt' });
    });

    test('storing the bytes again mends a damaged object', async () => {
      const { store, corrupt } = await open();
      for (const damage of ['CCO methanox', 'CCO']) {
        const ref = await store.put(bytes, 'text/plain');
        await corrupt(ref.sha256, Buffer.from(damage));
        await store.put(bytes, 'text/plain');
        expect(await store.get(ref)).toEqual(bytes);
        await corrupt(ref.sha256, Buffer.from(damage));
        await store.putStream(Readable.from([bytes]), 'text/plain');
        expect(await store.get(ref)).toEqual(bytes);
      }
    });

    test('a record is created once and never changed', async () => {
      const { store, other } = await open();
      expect(await store.readRecord('a/b')).toBeNull();
      expect(await store.createRecord('a/b', Buffer.from('one'))).toBe(true);
      expect(await other.createRecord('a/b', Buffer.from('two'))).toBe(false);
      expect(await other.readRecord('a/b')).toEqual(Buffer.from('one'));
      // A record may lie below another one.
      expect(await store.createRecord('a/b/c', Buffer.from('three'))).toBe(true);
      expect(await store.createRecord('a', Buffer.from('four'))).toBe(true);
    });

    test('of racing writers one creates the record', async () => {
      const { store, other } = await open();
      const writers = Array.from({ length: 20 }, (_, i) =>
        (i % 2 ? store : other).createRecord('race/x', Buffer.from(String(i))),
      );
      const created = await Promise.all(writers);
      expect(created.filter(Boolean)).toHaveLength(1);
      expect(String(await store.readRecord('race/x'))).toBe(String(created.indexOf(true)));
    });

    test('records are listed by prefix, sorted, whatever their characters', async () => {
      const { store, other } = await open();
      const keys = [
        'p/10',
        'p/2',
        'p/a b/ü%2F',
        'p/..',
        'p/.hidden',
        'p/.tmp-1-x',
        'p/a/..b',
        'q/1',
        'px/1',
        "p/~!*'()",
      ];
      for (const key of keys) expect(await store.createRecord(key, Buffer.from(key))).toBe(true);
      expect(await other.listRecords('p/')).toEqual(keys.filter((key) => key.startsWith('p/')).sort());
      expect(await other.listRecords('none/')).toEqual([]);
      for (const key of keys) expect(String(await other.readRecord(key))).toBe(key);
    });

    test('keys and hashes that mean nothing are refused', async () => {
      const { store } = await open();
      for (const key of ['', 'a//b', '/a', 'a/', 'x'.repeat(300)]) {
        await expect(store.createRecord(key, bytes)).rejects.toMatchObject({ code: 'usage' });
      }
      await expect(store.listRecords('no-slash')).rejects.toMatchObject({ code: 'usage' });
      await expect(store.get({ sha256: '../../etc/passwd' })).rejects.toMatchObject({ code: 'usage' });
    });
  });
}
