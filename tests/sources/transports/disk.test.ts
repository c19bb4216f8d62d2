import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { createTransports, openSource } from '../../../src/sources/transports';
import { collect, someBytes } from './http-server';

const folder = mkdtempSync(path.join(tmpdir(), 'titrate-disk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const bytes = someBytes(700_000);
writeFileSync(path.join(folder, 'pool.csv'), bytes);
writeFileSync(path.join(folder, 'strange name#1?.csv'), 'x');
const transports = createTransports({ workingDirectory: folder });
const open = (uri: string, options = {}) => openSource(transports, { uri }, options);

describe('files of this machine', () => {
  test.each(['pool.csv', './pool.csv', path.join(folder, 'pool.csv'), pathToFileURL(path.join(folder, 'pool.csv')).href])(
    '%s is read',
    async (uri) => {
      const opened = await open(uri);
      expect(opened).toMatchObject({ bytes: 700_000, start: 0 });
      expect((await collect(opened.stream)).equals(bytes)).toBe(true);
    },
  ); // prettier-ignore

  test('by any name, and by a link', async () => {
    symlinkSync('pool.csv', path.join(folder, 'link'));
    expect((await collect((await open('link')).stream)).length).toBe(700_000);
    expect(String(await collect((await open('strange name#1?.csv')).stream))).toBe('x');
  });

  test('go on from an offset while they are of the same version', async () => {
    const { version, stream } = await open('pool.csv');
    stream.destroy();
    const rest = await open('pool.csv', { resume: { offset: 600_000, version } });
    expect(rest.start).toBe(600_000);
    expect((await collect(rest.stream)).equals(bytes.subarray(600_000))).toBe(true);
    const anew = await open('pool.csv', { resume: { offset: 600_000, version: 'another' } });
    anew.stream.destroy();
    expect(anew.start).toBe(0);
  });

  test('an empty file has no bytes', async () => {
    writeFileSync(path.join(folder, 'empty'), '');
    const opened = await open('empty');
    expect([opened.bytes, await collect(opened.stream)]).toEqual([0, Buffer.alloc(0)]);
  });

  test('a file that is written to while it is read is not taken for whole', async () => {
    const file = path.join(folder, 'growing');
    writeFileSync(file, bytes);
    const { stream } = await open('growing');
    appendFileSync(file, 'more');
    await expect(collect(stream)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('what is no file says so, and does not hang', async () => {
    mkdirSync(path.join(folder, 'directory'));
    execFileSync('mkfifo', [path.join(folder, 'pipe')]);
    await expect(open('pol.csv')).rejects.toMatchObject({
      code: 'source-missing',
      message: expect.stringContaining("Did you mean 'pool.csv'?") as string,
    });
    await expect(open('pool.csv/x')).rejects.toMatchObject({ code: 'source-missing' });
    await expect(open('a\0b')).rejects.toMatchObject({ code: 'source-missing' });
    await expect(open('directory')).rejects.toThrow(/directory.*one file/);
    await expect(open('pipe')).rejects.toThrow(/pipe.*standard input/);
    await expect(open('/dev/null')).rejects.toMatchObject({ code: 'source-unreadable' });
    await expect(open('file://elsewhere/a.csv')).rejects.toMatchObject({ code: 'config-invalid' });
  });

  test('a signal ends the reading', async () => {
    const abort = new AbortController();
    const { stream } = await open('pool.csv', { signal: abort.signal });
    abort.abort();
    await expect(collect(stream)).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('other uris', () => {
  test('standard input is read once, where there is one', async () => {
    await expect((async () => open('-'))()).rejects.toThrow(/titrate data ingest/);
    const withStdin = createTransports({
      workingDirectory: folder,
      stdin: Readable.from([Buffer.from('CCO')]),
    });
    const opened = await openSource(withStdin, { uri: '-' });
    expect([opened.version, String(await collect(opened.stream))]).toEqual([null, 'CCO']);
    await expect(openSource(withStdin, { uri: '-' })).rejects.toThrow(/only once/);
  });

  test('an unknown kind is told which are known, a stray query where it belongs', () => {
    expect(() => open('ftp://host/a.csv')).toThrow(/file:\/\/, https:\/\/, gs:\/\/ and bq:\/\//);
    expect(() => openSource(transports, { uri: 'pool.csv', query: 'SELECT 1' })).toThrow(/only bq:\/\//);
  });

  test.each([
    ['http://example.org/a.csv', /this machine only/],
    ['https://user:secret@example.org/a.csv', /password in the uri/],
    ['https://', /not a valid uri/],
    ['gs://bucket', /names no object/],
    ['gs://bucket/folder/', /names no object/],
    ['bq://project', /no table and no 'query'/],
    ['bq://project.dataset', /neither a table nor a project/],
    ['bq://project.dataset.`x`', /neither a table nor a project/],
  ])('%s is refused before anything is asked', async (uri, message) => {
    await expect((async () => open(uri))()).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(message) as string,
    });
    await expect((async () => open(uri))()).rejects.not.toThrow(/secret/);
  });
});
