import { createTransports, openSource } from '../../../src/sources/transports';
import { collect, someBytes, startFileServer, type FileServer } from './http-server';

const bytes = someBytes(1_000_000);
let server: FileServer;
beforeEach(async () => {
  server = await startFileServer(bytes);
});
afterEach(() => server.close());

const policy = { retries: 2, backoffMs: 5, idleTimeoutMs: 300, longestWaitMs: 2000 };
const open = (options: { resume?: { offset: number; version: string }; signal?: AbortSignal } = {}, path = '/pool.csv') =>
  openSource(createTransports({ workingDirectory: '.', https: { policy } }), { uri: server.origin + path }, options); // prettier-ignore
const all = async (...args: Parameters<typeof open>) => collect((await open(...args)).stream);
/** Breaks the connection of the first `times` requests after `after` bytes. */
const breakAfter = (after: number, times: number) => {
  server.intercept = (request, response) => {
    const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    if (server.requests.length > times) return false;
    const part = server.body.subarray(start);
    const range = { 'content-range': `bytes ${start}-${server.body.length - 1}/${server.body.length}` };
    response.writeHead(start ? 206 : 200, {
      etag: server.etag!,
      'content-length': part.length,
      ...(start && range),
    });
    response.write(part.subarray(0, after), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
};

describe('https', () => {
  test('a file comes as it lies there', async () => {
    const opened = await open();
    expect(opened).toMatchObject({ bytes: 1_000_000, version: '"v1"', start: 0 });
    expect((await collect(opened.stream)).equals(bytes)).toBe(true);
    expect(server.requests[0]!.headers['accept-encoding']).toBe('identity');
  });

  test('a broken connection goes on where it broke, as often as bytes came between', async () => {
    breakAfter(100_000, 5);
    expect((await all()).equals(bytes)).toBe(true);
    expect(server.requests.map(({ headers }) => headers['if-range'])).toEqual([undefined, '"v1"', '"v1"', '"v1"', '"v1"', '"v1"']); // prettier-ignore
  });

  test('a file that changes under the reading is not patched together', async () => {
    breakAfter(100_000, 1);
    const { stream } = await open();
    server.etag = '"v2"';
    await expect(collect(stream)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a server that promises more than it has is an error, not a short file', async () => {
    server.etag = null;
    server.intercept = (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length + 10 });
      response.write(bytes, () => setTimeout(() => response.destroy(), 20));
      return true;
    };
    await expect(all()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('1000000 of 1000010 bytes') as string,
    });
  });

  test('a server that falls silent is given up', async () => {
    server.etag = null;
    server.intercept = (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 1000));
      return true;
    };
    await expect(all()).rejects.toThrow(/no byte came for 0.3 s/);
    server.intercept = () => true;
    await expect(all()).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('goes on from an offset, also from the very end', async () => {
    for (const offset of [1, 999_999, 1_000_000]) {
      const rest = await open({ resume: { offset, version: '"v1"' } });
      expect(rest).toMatchObject({ start: offset, bytes: 1_000_000, version: '"v1"' });
      expect((await collect(rest.stream)).equals(bytes.subarray(offset))).toBe(true);
    }
  });

  test('goes on by date where there is no ETag, and the clock had moved on', async () => {
    server.etag = null;
    server.lastModified = 'Tue, 24 Nov 2020 08:00:00 GMT';
    const { version, stream } = await open();
    stream.destroy();
    expect(version).toBe('Tue, 24 Nov 2020 08:00:00 GMT; 1000000 bytes');
    const rest = await open({ resume: { offset: 500_000, version: version! } });
    expect(rest.start).toBe(500_000);
    rest.stream.destroy();
    server.body = bytes.subarray(1);
    const anew = await open({ resume: { offset: 500_000, version: version! } });
    expect(anew.start).toBe(0);
    anew.stream.destroy();
  });

  test.each([
    ['changed', '"v2"'],
    ['named by a weak ETag', 'W/"v1"'],
    ['without a version', null],
  ])('a source that is %s starts anew', async (_what, etag) => {
    server.etag = etag;
    const anew = await open({ resume: { offset: 500_000, version: etag === 'W/"v1"' ? etag : '"v1"' } });
    expect(anew).toMatchObject({ start: 0, version: etag });
    expect((await collect(anew.stream)).length).toBe(1_000_000);
  });

  test('429 and 5xx are tried again, when Retry-After says', async () => {
    server.intercept = (_request, response) => {
      if (server.requests.length > 2) return false;
      response.writeHead(server.requests.length === 1 ? 429 : 503, { 'retry-after': '1' }).end();
      return true;
    };
    const begun = performance.now();
    expect((await all()).length).toBe(1_000_000);
    expect(performance.now() - begun).toBeGreaterThan(1900);
  });

  test.each([
    [404, 'source-missing', 1],
    [403, 'source-unreadable', 1],
    [500, 'unavailable', 3],
    [501, 'source-unreadable', 1],
  ])('%d is %s, after %d requests', async (status, code, requests) => {
    server.intercept = (_request, response) => {
      response.writeHead(status).end('<html>');
      return true;
    };
    await expect(open({}, '/pool.csv?signature=secret')).rejects.toMatchObject({ code });
    await expect(open({}, '/pool.csv?signature=secret')).rejects.not.toThrow(/secret/);
    expect(server.requests).toHaveLength(2 * requests);
  });

  test('longer waits than ours are not waited', async () => {
    server.intercept = (_request, response) => {
      response.writeHead(503, { 'retry-after': '3600' }).end();
      return true;
    };
    await expect(open()).rejects.toMatchObject({ code: 'unavailable' });
    expect(server.requests).toHaveLength(1);
  });

  test('redirects are followed, and headers of one host go to no other', async () => {
    const other = await startFileServer(bytes);
    try {
      server.intercept = (_request, response) => {
        response.writeHead(302, { location: `${other.origin}/there` }).end();
        return true;
      };
      const host = new URL(server.origin).host;
      const transports = createTransports({ workingDirectory: '.', https: { policy, headersByHost: { [host]: { authorization: 'Bearer t' } } } }); // prettier-ignore
      const { stream } = await openSource(transports, { uri: `${server.origin}/here` });
      expect((await collect(stream)).length).toBe(1_000_000);
      expect(server.requests[0]!.headers.authorization).toBe('Bearer t');
      expect(other.requests[0]!.headers.authorization).toBeUndefined();
    } finally {
      await other.close();
    }
  });

  test.each([
    ['http://example.org/x', /plain http/],
    ['file:///etc/passwd', /not followed/],
    ['/pool.csv', /more than 10 times/],
  ])('a redirect to %s is not followed', async (location, message) => {
    server.intercept = (_request, response) => {
      response.writeHead(301, { location }).end();
      return true;
    };
    await expect(open()).rejects.toMatchObject({
      code: 'source-unreadable',
      message: expect.stringMatching(message) as string,
    });
  });

  test('a signal ends the asking and the reading', async () => {
    const abort = new AbortController();
    const { stream } = await open({ signal: abort.signal });
    abort.abort();
    await expect(collect(stream)).rejects.toMatchObject({ code: 'cancelled' });
    await expect(open({ signal: abort.signal })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
