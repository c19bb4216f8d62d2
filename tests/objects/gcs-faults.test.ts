import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { sha256 } from '../../src/foundation';
import { createGcsObjectStore } from '../../src/objects';
import {
  makeBucket,
  overwrite,
  startGcsProxy,
  startGcsServer,
  type Fault,
  type GcsProxy,
  type GcsRequest,
  type GcsServer,
} from '../support/gcs-server';
import { describeWithPython } from '../support/python';

const bytes = Buffer.from('CCO ethanol\n');
const sha = sha256(bytes);
const objectName = (hash: string) => `objects/${hash.slice(0, 2)}/${hash}`;

describeWithPython(
  'Cloud Storage when the network and other clients misbehave',
  () => {
    let server: GcsServer;
    let proxy: GcsProxy;
    let bucket: string;
    let serial = 0;
    const folder = mkdtempSync(path.join(tmpdir(), 'titrate-gcs-faults-'));
    beforeAll(async () => {
      server = await startGcsServer({ backend: 'memory' });
      proxy = await startGcsProxy(server.endpoint);
    });
    afterAll(async () => {
      await proxy?.stop();
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    beforeEach(async () => {
      bucket = `faults-${++serial}`;
      await makeBucket(server.endpoint, bucket);
      proxy.onRequest = () => null;
    });

    const open = (options: { endpoint?: string; attempts?: number; cache?: string; bucket?: string } = {}) =>
      createGcsObjectStore({
        bucket: options.bucket ?? bucket,
        endpoint: options.endpoint ?? proxy.endpoint,
        cacheDirectory: path.join(
          folder,
          options.cache ?? `cache-${serial}-${Math.floor(process.hrtime()[1])}`,
        ),
        retry: { attempts: options.attempts ?? 4, firstDelayMs: 5, stallMs: 1500 },
      });
    /** Applies a fault to the first `times` requests that match. */
    const fail = (matches: (request: GcsRequest) => boolean, fault: Fault, times = 1) => {
      let left = times;
      proxy.onRequest = (request) => (matches(request) && left-- > 0 ? fault : null);
    };
    const isUpload = ({ path: at, method }: GcsRequest) => at.startsWith('/upload/') && method !== 'GET';
    async function generations(name: string): Promise<string[]> {
      const answer = await fetch(
        `${server.endpoint}/storage/v1/b/${bucket}/o?versions=true&prefix=${encodeURIComponent(name)}`,
      );
      const { items = [] } = (await answer.json()) as { items?: { generation: string }[] };
      // The server lists a generation once more for every change of its metadata.
      return [...new Set(items.map((item) => item.generation))];
    }

    test('a record whose answer was lost is created exactly once, and its writer is told so', async () => {
      const [store, other] = [open(), open()];
      fail(isUpload, { kind: 'drop' });
      expect(await store.createRecord('lost/answer', bytes)).toBe(true);
      expect(proxy.requests.filter(isUpload).length).toBeGreaterThan(1);
      expect(await other.createRecord('lost/answer', bytes)).toBe(false);
      expect(await store.createRecord('lost/answer', bytes)).toBe(false);
      expect(await generations('records/lost/answer')).toHaveLength(1);
    });

    test('an object whose answer was lost, once or twice, is stored once', async () => {
      const store = open();
      fail(isUpload, { kind: 'drop' }, 2);
      expect(await store.put(bytes, 'text/plain')).toMatchObject({ sha256: sha });
      expect(await generations(objectName(sha))).toHaveLength(1);
      expect(await store.get({ sha256: sha })).toEqual(bytes);
    });

    test('a deletion and a promotion whose answers were lost are done', async () => {
      const store = open();
      await store.land(Readable.from([bytes]), 'text/plain');
      fail((request) => request.path.includes('rewriteTo'), { kind: 'drop' });
      await store.promote(sha);
      fail((request) => request.method === 'DELETE', { kind: 'drop' });
      expect(await store.deleteObject(sha, Date.now() + 60_000)).toBe(true);
      expect(await store.has(sha)).toBe(false);
    });

    test('answers that pass are waited out, each request only as often as the policy says', async () => {
      const store = open({ attempts: 4 });
      await store.put(bytes, 'text/plain');
      for (const status of [503, 429, 500, 408]) {
        fail(
          (request) => request.path.startsWith(`/storage/v1/b/${bucket}/o/`),
          { kind: 'status', status },
          3,
        );
        expect(await store.get({ sha256: sha })).toEqual(bytes);
      }
      const before = proxy.requests.length;
      proxy.onRequest = () => ({ kind: 'status', status: 503 });
      await expect(store.get({ sha256: sha })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining(`gs://${bucket}/objects/`) as string,
      });
      expect(proxy.requests.length - before).toBe(4);
      await expect(store.put(Buffer.from('x'), 'text/plain')).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.createRecord('x', bytes)).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.listRecords('')).rejects.toMatchObject({ code: 'unavailable' });
      expect(proxy.requests.length - before).toBe(16);
    });

    test('refusals and missing buckets are told apart, and not repeated', async () => {
      await expect(open({ bucket: 'nobody-made-it' }).has(sha)).rejects.toMatchObject({
        code: 'not-found',
        message: expect.stringContaining('gs://nobody-made-it') as string,
      });
      for (const [status, code] of [
        [401, 'config-invalid'],
        [403, 'config-invalid'],
        [418, 'internal'],
      ] as const) {
        const before = proxy.requests.length;
        proxy.onRequest = () => ({ kind: 'status', status });
        await expect(open().get({ sha256: sha })).rejects.toMatchObject({ code });
        expect(proxy.requests.length - before).toBe(1);
      }
      const nobody = open({ endpoint: 'http://127.0.0.1:9', attempts: 2 });
      await expect(nobody.has(sha)).rejects.toMatchObject({ code: 'unavailable' });
    });

    test('a download that breaks is taken up where it broke', async () => {
      const store = open();
      const large = randomBytes(3 << 20);
      const ref = await store.put(large, 'application/octet-stream');
      const isDownload = (request: GcsRequest) => request.query.get('alt') === 'media';
      // A connection that is closed without a word is noticed by the silence only.
      for (const how of ['get', 'stream', 'path'] as const) {
        fail(isDownload, { kind: 'cut-body', afterBytes: 1 << 20, how: how === 'get' ? 'close' : 'reset' });
        const before = proxy.requests.length;
        if (how === 'get') expect((await store.get(ref)).equals(large)).toBe(true);
        if (how === 'path') expect((await stat(await store.localPath(ref))).size).toBe(large.length);
        if (how === 'stream') {
          const chunks: Buffer[] = [];
          for await (const chunk of await store.openRead(ref)) chunks.push(chunk as Buffer);
          expect(Buffer.concat(chunks).equals(large)).toBe(true);
        }
        const ranges = proxy.requests.slice(before).map((request) => request.range);
        expect(ranges.some((range) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]) > 0)).toBe(true);
      }
    });

    test('a large upload that breaks is resumed where it broke', async () => {
      const store = open();
      const large = randomBytes(20 << 20);
      let puts = 0;
      const before = proxy.requests.length;
      proxy.onRequest = (request) =>
        request.method === 'PUT' && ++puts === 2 ? { kind: 'status', status: 503 } : null;
      const ref = await store.putStream(Readable.from([large]), 'application/octet-stream');
      const sent = proxy.requests.slice(before).filter((request) => request.method === 'PUT');
      expect(sent.map((request) => request.contentRange?.split('/')[0])).toEqual([
        'bytes 0-16777215',
        'bytes 16777216-20971519',
        'bytes *',
        'bytes 16777216-20971519',
      ]);
      expect((await store.get(ref)).equals(large)).toBe(true);
    });

    test('an upload session that the server has forgotten is begun anew', async () => {
      const store = open();
      const large = randomBytes(9 << 20);
      let puts = 0;
      proxy.onRequest = (request) =>
        request.method === 'PUT' && ++puts === 1 ? { kind: 'status', status: 410 } : null;
      const ref = await store.putStream(Readable.from([large]), 'application/octet-stream');
      expect((await store.get(ref)).equals(large)).toBe(true);
    });

    test('bytes damaged on their way up are noticed and sent again', async () => {
      const store = open();
      const flip = (body: Buffer) => {
        const damaged = Buffer.from(body);
        const at = damaged.indexOf(bytes);
        damaged[at]! ^= 1;
        return damaged;
      };
      fail(isUpload, { kind: 'body', change: flip });
      await store.put(bytes, 'text/plain');
      expect(await store.get({ sha256: sha })).toEqual(bytes);
      fail(isUpload, { kind: 'body', change: flip });
      expect(await store.createRecord('damaged/on/the/way', bytes)).toBe(true);
      expect(await store.readRecord('damaged/on/the/way')).toEqual(bytes);
    });

    test('mending leaves the replaced generation readable', async () => {
      const store = open();
      await store.put(bytes, 'text/plain');
      await overwrite(server.endpoint, bucket, objectName(sha), Buffer.from('damage'));
      await store.put(bytes, 'text/plain');
      expect(await store.get({ sha256: sha })).toEqual(bytes);
      const contents = await Promise.all(
        (await generations(objectName(sha))).map(async (generation) => {
          const at = `${server.endpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(objectName(sha))}`;
          return (await fetch(`${at}?alt=media&generation=${generation}`)).text();
        }),
      );
      expect(contents).toContain('damage');
      expect(contents).toContain(String(bytes));
    });

    test('a deletion that has looked loses against a writer that touches before it strikes', async () => {
      const [store, other] = [open(), open()];
      await store.put(bytes, 'text/plain');
      await new Promise((resolve) => setTimeout(resolve, 5));
      const since = Date.now();
      let struck = 0;
      proxy.onRequest = async (request) => {
        if (request.method === 'DELETE' && ++struck === 1) await other.put(bytes, 'text/plain');
        return null;
      };
      expect(await store.deleteObject(sha, since)).toBe(false);
      expect(struck).toBe(1);
      expect(await store.get({ sha256: sha })).toEqual(bytes);
    });

    test('a writer that finds the object, and then sees it deleted, stores it anew', async () => {
      const [store, other] = [open(), open()];
      await store.put(bytes, 'text/plain');
      let touches = 0;
      proxy.onRequest = async (request) => {
        if (request.method === 'PATCH' && ++touches === 1) await other.deleteObject(sha, Date.now() + 60_000);
        return null;
      };
      await store.put(bytes, 'text/plain');
      expect(touches).toBe(1);
      expect(await store.get({ sha256: sha })).toEqual(bytes);
    });

    test("a touch against another writer's clock that is ahead stands", async () => {
      const store = open();
      await store.put(bytes, 'text/plain');
      const at = `${proxy.endpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(objectName(sha))}`;
      await fetch(at, {
        method: 'PATCH',
        body: JSON.stringify({ customTime: new Date(Date.now() + 5000).toISOString() }),
      });
      await store.put(bytes, 'text/plain');
      expect(await store.deleteObject(sha, Date.now())).toBe(false);
    });

    test('a landing carries the custom time its lifecycle rule counts from', async () => {
      const store = open();
      const before = Date.now();
      await store.land(Readable.from([bytes]), 'text/plain');
      const upload = proxy.requests.filter(isUpload).at(-1)!;
      const customTime = /"customTime":"([^"]+)"/.exec(upload.body.toString())?.[1];
      expect(Date.parse(customTime!)).toBeGreaterThanOrEqual(before);
      expect(upload.query.get('ifGenerationMatch')).toBe('0');
    });

    test('local files are downloaded once, and again when they rot', async () => {
      const store = open({ cache: 'kept' });
      const ref = await store.put(bytes, 'text/plain');
      const file = await store.localPath(ref);
      const before = proxy.requests.length;
      expect(await store.localPath(ref)).toBe(file);
      expect(await open({ cache: 'kept' }).localPath(ref)).toBe(file);
      expect(proxy.requests.length).toBe(before);
      await writeFile(file, 'rotten bytes');
      expect(await store.localPath(ref)).toBe(file);
      expect(proxy.requests.length).toBeGreaterThan(before);
      expect((await stat(file)).size).toBe(bytes.length);
    });

    test('external services get the address of the object', () => {
      expect(open().externalUri(sha)).toBe(`gs://${bucket}/${objectName(sha)}`);
    });
  },
  'cloud',
);
