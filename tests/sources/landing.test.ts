import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { compiledEntry, sha256 } from '../../src/foundation';
import { createFileObjectStore } from '../../src/objects';
import { createLanding } from '../../src/sources/landing';
import type { Transport } from '../../src/sources/sources';
import { createTransports } from '../../src/sources/transports';
import { someBytes, startFileServer, type FileServer } from './transports/http-server';

const MEGABYTE = 1 << 20;
const bytes = someBytes(4 * MEGABYTE);
const policy = { retries: 1, backoffMs: 5, idleTimeoutMs: 500 };
const folders: string[] = [];
let home: string;
let server: FileServer;
beforeEach(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'titrate-landing-'));
  folders.push(home);
  server = await startFileServer(bytes);
});
afterEach(() => server.close());
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const objectsOf = () => createFileObjectStore(path.join(home, 'objects'));
function landing(transports: readonly Transport[] = createTransports({ workingDirectory: home, https: { policy }, stdin: Readable.from([bytes]) })) {
  return createLanding({ objects: objectsOf(), transports, stagingDirectory: path.join(home, 'staging'), segmentBytes: MEGABYTE / 4 });
} // prettier-ignore
const url = () => `${server.origin}/pool.csv`;
const staged = () => {
  try {
    return (readdirSync(path.join(home, 'staging'), { recursive: true }) as string[]).filter((name) => /\d{15}-/.test(name));
  } catch {
    return [];
  }
}; // prettier-ignore
const stored = async (hash: string) => (await objectsOf().get({ sha256: hash })).equals(bytes);
/** Cuts the connection of every request after `after` bytes, and says nothing more. */
const cutAfter = (after: number) => {
  server.intercept = (request, response) => {
    if (request.headers.range) return false;
    response.writeHead(200, { etag: server.etag!, 'content-length': bytes.length });
    response.write(bytes.subarray(0, after), () => setTimeout(() => void server.close(), 50));
    server.served += after;
    return true;
  };
};

describe('landing', () => {
  test.each(['pool.csv', '-', 'https'])('%s lands raw, under its hash', async (uri) => {
    writeFileSync(path.join(home, 'pool.csv'), bytes);
    const source = { uri: uri === 'https' ? url() : uri, name: 'pool' };
    const seen: number[] = [];
    const landed = await landing().land(source, { onProgress: (done) => seen.push(done) });
    expect(landed).toMatchObject({ source, raw: { sha256: sha256(bytes), bytes: bytes.length } });
    expect(landed.retrieval!.uri).toBe(source.uri);
    expect(landed.retrieval!.version === null).toBe(uri === '-');
    expect(await stored(landed.raw.sha256)).toBe(true);
    expect(seen.at(-1)).toBe(bytes.length);
    expect(staged()).toEqual([]);
  });

  test('the same file twice changes nothing', async () => {
    writeFileSync(path.join(home, 'pool.csv'), bytes);
    const first = await landing().land({ uri: 'pool.csv' });
    const again = await landing().land({ uri: 'pool.csv' });
    expect(again).toEqual(first);
  });

  test('a call that broke off is gone on with: nothing of an unchanged source is fetched twice', async () => {
    const keep = server;
    cutAfter(3 * MEGABYTE);
    await expect(landing().land({ uri: url() })).rejects.toMatchObject({ code: 'unavailable' });
    expect(staged().length).toBeGreaterThan(3);
    const kept = staged().reduce((sum, name) => sum + Number(path.basename(name).split('-')[1]), 0);
    expect(kept).toBeGreaterThan(MEGABYTE);

    // The same address: a source is known by its uri.
    server = await startFileServer(bytes, { port: Number(new URL(keep.origin).port) });
    const landed = await landing().land({ uri: url() });
    expect(await stored(landed.raw.sha256)).toBe(true);
    expect(server.served).toBe(bytes.length - kept + 1);
    expect(staged()).toEqual([]);
  });

  test('a process killed in the middle is gone on with by another', async () => {
    await server.close();
    server = await startFileServer(bytes, { pieceBytes: MEGABYTE / 8, pauseMs: 20 });
    const script = `
      const { createLanding } = require(${JSON.stringify(compiledEntry('src/sources/landing'))});
      const { createTransports } = require(${JSON.stringify(compiledEntry('src/sources/transports/index'))});
      const { createFileObjectStore } = require(${JSON.stringify(compiledEntry('src/objects/file-object-store'))});
      const landing = createLanding({
        objects: createFileObjectStore(${JSON.stringify(path.join(home, 'objects'))}),
        transports: createTransports({ workingDirectory: '.' }),
        stagingDirectory: ${JSON.stringify(path.join(home, 'staging'))},
        segmentBytes: ${MEGABYTE / 4},
      });
      void landing.land({ uri: ${JSON.stringify(url())} });`;
    const child = spawn(process.execPath, ['-e', script], { stdio: 'inherit' });
    const closed = new Promise((resolve) => child.once('close', resolve));
    while (staged().length < 6 && child.exitCode === null) await new Promise((next) => setTimeout(next, 5));
    child.kill('SIGKILL');
    await closed;
    const kept = staged().length * (MEGABYTE / 4);
    expect(kept).toBeGreaterThanOrEqual(1.5 * MEGABYTE);
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.served = 0;
    const landed = await landing().land({ uri: url() });
    expect(server.requests.at(-1)!.headers.range).toBe(`bytes=${kept - 1}-`);
    expect(server.served).toBe(bytes.length - kept + 1);
    expect(await stored(landed.raw.sha256)).toBe(true);
  });

  test('a source that changed meanwhile starts anew', async () => {
    const port = Number(new URL(server.origin).port);
    cutAfter(3 * MEGABYTE);
    await expect(landing().land({ uri: url() })).rejects.toMatchObject({ code: 'unavailable' });
    const other = someBytes(2 * MEGABYTE, 7);
    server = await startFileServer(other, { port });
    server.etag = '"v2"';
    const landed = await landing().land({ uri: url() });
    expect(landed.raw.sha256).toBe(sha256(other));
    expect(landed.retrieval!.version).toBe('"v2"');
  });

  test('a damaged or missing segment is fetched again', async () => {
    const port = Number(new URL(server.origin).port);
    cutAfter(3 * MEGABYTE);
    await expect(landing().land({ uri: url() })).rejects.toMatchObject({ code: 'unavailable' });
    const second = path.join(home, 'staging', staged().sort()[1]!);
    const damaged = readFileSync(second);
    damaged[100]! ^= 1;
    writeFileSync(second, damaged);
    server = await startFileServer(bytes, { port });
    const landed = await landing().land({ uri: url() });
    expect(await stored(landed.raw.sha256)).toBe(true);
  });

  test('many at once, some of them interrupted, all land the same bytes', async () => {
    await server.close();
    server = await startFileServer(bytes, { pieceBytes: MEGABYTE / 8, pauseMs: 3 });
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, i) => {
        const abort = new AbortController();
        const one = landing().land({ uri: url() }, { signal: abort.signal });
        if (i % 2) setTimeout(() => abort.abort(), 30 * i);
        return one;
      }),
    );
    for (const [i, one] of all.entries()) {
      if (one.status === 'fulfilled') expect(one.value.raw.sha256).toBe(sha256(bytes));
      else expect([i % 2, (one.reason as { code: string }).code]).toEqual([1, 'cancelled']);
    }
    expect((await landing().land({ uri: url() })).raw.sha256).toBe(sha256(bytes));
  });

  test('a server without a version, and one that promises more than it has', async () => {
    server.etag = null;
    expect((await landing().land({ uri: url() })).retrieval!.version).toBeNull();
    expect(staged()).toEqual([]);
    server.intercept = (_request, response) => {
      response.writeHead(200, { etag: '"v1"', 'content-length': bytes.length + 10 });
      response.write(bytes, () => setTimeout(() => response.destroy(), 20));
      return true;
    };
    server.body = Buffer.concat([bytes, Buffer.alloc(9)]);
    await expect(landing().land({ uri: url() })).rejects.toMatchObject({ code: 'unavailable' });
    expect(server.requests.length).toBeLessThan(6);
  });

  test('a whole that fails its checksum is not landed, and does not stand in the way for ever', async () => {
    const checked = (good: boolean): Transport => ({
      accepts: () => true,
      ...{ kind: 'gs', resumable: true },
      open: (_source, { resume }) => {
        const start = resume?.offset ?? 0;
        const broken = async function* () {
          yield bytes.subarray(start, start + MEGABYTE);
          if (start === 0) throw new Error('cut');
          yield bytes.subarray(start + MEGABYTE);
        };
        const wholeCheck = () =>
          new Transform({
            transform: (piece, _encoding, done) => done(null, piece),
            flush: (done) => done(good ? null : new Error('checksum')),
          });
        return Promise.resolve({ stream: Readable.from(broken(), { objectMode: false }), bytes: bytes.length, version: '1', start, wholeCheck }); // prettier-ignore
      },
    });
    const source = { uri: 'gs://bucket/pool.csv' };
    await expect(landing([checked(false)]).land(source)).rejects.toThrow('cut');
    expect(staged()).toHaveLength(4);
    await expect(landing([checked(false)]).land(source)).rejects.toThrow('checksum');
    expect(staged()).toEqual([]);
    await expect(landing([checked(true)]).land(source)).rejects.toThrow('cut');
    expect((await landing([checked(true)]).land(source)).raw.sha256).toBe(sha256(bytes));
  });

  test('what nobody goes on with is swept away', async () => {
    const port = Number(new URL(server.origin).port);
    cutAfter(3 * MEGABYTE);
    await expect(landing().land({ uri: url() })).rejects.toMatchObject({ code: 'unavailable' });
    const old = new Date(Date.now() - 30 * 24 * 3600 * 1000);
    for (const name of readdirSync(path.join(home, 'staging'), { recursive: true }) as string[])
      utimesSync(path.join(home, 'staging', name), old, old);
    server = await startFileServer(bytes, { port });
    writeFileSync(path.join(home, 'pool.csv'), 'CCO');
    await landing().land({ uri: 'pool.csv' });
    expect(readdirSync(path.join(home, 'staging'))).toEqual([]);
  });
});
