import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { sha256 } from '../../src/foundation';
import type { ObjectStore } from '../../src/objects';

async function read(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

export interface ObjectStoreUnderTest {
  readonly store: ObjectStore;
  /** Another client of the same store, as another process would have. */
  readonly other: ObjectStore;
  /** Writes bytes in the permanent place of an object behind the store's back. */
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

    test('what is landed is an object like any other', async () => {
      const { store, other } = await open();
      const ref = await store.land(Readable.from([bytes]), 'text/plain');
      expect(ref).toMatchObject({ sha256: sha256(bytes), bytes: bytes.length, mediaType: 'text/plain' });
      expect(await other.has(ref.sha256)).toBe(true);
      expect(await other.get(ref)).toEqual(bytes);
      expect(await read(await other.openRead(ref))).toEqual(bytes);
      expect(await readFile(await other.localPath(ref))).toEqual(bytes);
      expect(await all(store.listObjects())).toEqual([]);
    });

    test('landings expire unless promoted, stored, or landed again meanwhile', async () => {
      const { store, other } = await open();
      const land = (text: string) => store.land(Readable.from([Buffer.from(text)]), 'text/plain');
      const [old, promoted, put, streamed] = [
        await land('a'),
        await land('b'),
        await land('c'),
        await land('d'),
      ];
      await other.promote(promoted.sha256);
      await other.promote(promoted.sha256);
      await other.put(Buffer.from('c'), 'text/plain');
      await other.putStream(Readable.from([Buffer.from('d')]), 'text/plain');
      const expireBefore = (moment: number) => other.expireLandings(Date.now() - moment);
      await pause(30);
      const between = Date.now();
      await pause(5);
      const young = await land('e');
      expect(await land('a')).toEqual(old);
      expect(await expireBefore(between)).toEqual([]);
      await pause(30);
      const later = Date.now();
      await pause(5);
      await land('e');
      expect(await other.expireLandings(Date.now() - later, { dryRun: true })).toEqual([old.sha256]);
      expect(await store.has(old.sha256)).toBe(true);
      expect(await expireBefore(later)).toEqual([old.sha256]);
      expect(await store.has(old.sha256)).toBe(false);
      await expect(store.promote(old.sha256)).rejects.toMatchObject({ code: 'artifact-missing' });
      for (const { sha256: kept } of [promoted, put, streamed, young])
        expect(await store.has(kept)).toBe(true);
      expect((await all(store.listObjects())).map((object) => object.sha256).sort()).toEqual(
        [promoted, put, streamed].map((ref) => ref.sha256).sort(),
      );
    });

    test('landing what is permanent leaves it permanent', async () => {
      const { store } = await open();
      const ref = await store.put(bytes, 'text/plain');
      expect(await store.land(Readable.from([bytes]), 'text/plain')).toEqual(ref);
      await pause(20);
      expect(await store.expireLandings(0)).toEqual([]);
      expect(await store.get(ref)).toEqual(bytes);
    });

    test('a stream that fails lands nothing', async () => {
      const { store } = await open();
      const failing = Readable.from(
        (async function* () {
          yield bytes;
          await Promise.resolve();
          throw new Error('the source broke');
        })(),
      );
      await expect(store.land(failing, 'text/plain')).rejects.toThrow('the source broke');
      expect(await store.has(sha256(bytes))).toBe(false);
    });

    test('permanent objects are listed with their size and the time they were last stored', async () => {
      const { store, other } = await open();
      const before = Date.now() - 1000;
      const refs = [];
      for (let i = 0; i < 30; i++) refs.push(await store.put(Buffer.from(`object ${i}`), 'text/plain'));
      const listed = await all(other.listObjects());
      expect(listed.map((object) => object.sha256).sort()).toEqual(refs.map((ref) => ref.sha256).sort());
      for (const { sha256: found, bytes: size, touchedAt } of listed) {
        expect(size).toBe(refs.find((ref) => ref.sha256 === found)!.bytes);
        expect(touchedAt).toBeGreaterThan(before);
        expect(touchedAt).toBeLessThan(Date.now() + 1000);
      }
      const touched = listed[0]!;
      await pause(30);
      await other.put(await store.get(touched), 'text/plain');
      const later = (await all(store.listObjects())).find((object) => object.sha256 === touched.sha256)!;
      expect(later.touchedAt).toBeGreaterThan(touched.touchedAt);
    });

    test('an object is deleted unless it was touched since', async () => {
      const { store, other } = await open();
      const ref = await store.put(bytes, 'text/plain');
      const since = Date.now() - 60_000;
      expect(await other.deleteObject(ref.sha256, since)).toBe(false);
      await pause(30);
      const now = Date.now();
      await store.putStream(Readable.from([bytes]), 'text/plain');
      expect(await other.deleteObject(ref.sha256, now)).toBe(false);
      expect(await store.get(ref)).toEqual(bytes);
      expect(await other.deleteObject(ref.sha256, Date.now() + 60_000)).toBe(true);
      expect(await store.has(ref.sha256)).toBe(false);
      await expect(store.get(ref)).rejects.toMatchObject({ code: 'artifact-missing' });
      expect(await other.deleteObject(ref.sha256, now)).toBe(true);
      expect(await all(store.listObjects())).toEqual([]);
      expect(await store.put(bytes, 'text/plain')).toEqual(ref);
      expect(await store.get(ref)).toEqual(bytes);
    });

    test('renewing spares an object that a deletion has looked at', async () => {
      const { store, other } = await open();
      expect(await store.renew(absent)).toBe(false);
      const ref = await store.put(bytes, 'text/plain');
      expect(await other.renew(ref.sha256)).toBe(true);
      expect(await store.deleteObject(ref.sha256, Date.now() - 60_000)).toBe(false);
      const landed = await store.land(Readable.from([Buffer.from('landed')]), 'text/plain');
      expect(await other.renew(landed.sha256)).toBe(true);
    });

    test('promotion mends a permanent object that is damaged', async () => {
      const { store, corrupt } = await open();
      const landed = await store.land(Readable.from([bytes]), 'text/plain');
      await corrupt(landed.sha256, Buffer.from('CCO methanox'));
      await store.promote(landed.sha256);
      expect(await store.get(landed)).toEqual(bytes);
    });

    test('writers and deletions that race: what was acknowledged last is there', async () => {
      const { store, other } = await open();
      for (let round = 0; round < 12; round++) {
        const data = Buffer.from(`raced ${round % 3}`);
        const started = Date.now();
        await Promise.all([
          round % 2 ? store.put(data, 'text/plain') : store.putStream(Readable.from([data]), 'text/plain'),
          other.deleteObject(sha256(data), started),
          store.land(Readable.from([data]), 'text/plain').then((ref) => other.promote(ref.sha256)),
          other.deleteObject(sha256(data), started),
        ]);
        expect(await store.get({ sha256: sha256(data) })).toEqual(data);
        await pause(3);
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
      for (const call of [store.get, store.openRead, store.localPath])
        await expect(call({ sha256: '../../etc/passwd' })).rejects.toMatchObject({ code: 'usage' });
      await expect(store.promote('../../etc/passwd')).rejects.toMatchObject({ code: 'usage' });
      await expect(store.deleteObject('../../etc/passwd', 0)).rejects.toMatchObject({ code: 'usage' });
    });
  });
}
