import { IdempotencyStrategy, Storage } from '@google-cloud/storage';
import { gzipSync } from 'node:zlib';
import { createTransports, openSource } from '../../../src/sources/transports';
import { startGcsServer } from '../../support/gcs-server';
import { describeWithPython } from '../../support/python';
import { collect, someBytes } from './http-server';

/** Checks the wire against fake-gcs-server; of it memory has generations. */
describeWithPython(
  'Google Cloud Storage',
  () => {
    const bytes = someBytes(600_000);
    let server: Awaited<ReturnType<typeof startGcsServer>>;
    let storage: Storage;
    beforeAll(async () => {
      server = await startGcsServer({ backend: 'memory' });
      storage = new Storage({
        projectId: 'p',
        apiEndpoint: server.endpoint,
        retryOptions: { idempotencyStrategy: IdempotencyStrategy.RetryAlways },
      });
      await storage.createBucket('pools', { versioning: { enabled: true } });
    });
    afterAll(() => server.stop());
    const save = (name: string, data: Buffer, options = {}) =>
      storage
        .bucket('pools')
        .file(name)
        .save(data, { resumable: false, ...options });
    const open = (uri: string, options = {}) =>
      openSource(
        createTransports({
          workingDirectory: '.',
          gcs: { endpoint: server.endpoint, projectId: 'p', policy: { retries: 1, backoffMs: 5 } },
        }),
        { uri },
        options,
      );

    test('an object is read whole, and from an offset of its generation', async () => {
      await save('a b/pool#1.csv', bytes);
      const uri = 'gs://pools/a b/pool#1.csv';
      const opened = await open(uri);
      expect(opened).toMatchObject({ bytes: 600_000, start: 0 });
      expect(opened.version).toMatch(/^generation \d+$/);
      expect((await collect(opened.stream)).equals(bytes)).toBe(true);

      for (const offset of [1, 599_999, 600_000]) {
        const rest = await open(uri, { resume: { offset, version: opened.version } });
        expect(rest.start).toBe(offset);
        expect((await collect(rest.stream)).equals(bytes.subarray(offset))).toBe(true);
      }
    });

    test('a new generation starts anew', async () => {
      await save('changing.csv', bytes);
      const first = await open('gs://pools/changing.csv');
      first.stream.destroy();
      await save('changing.csv', Buffer.from('other'));
      const second = await open('gs://pools/changing.csv', { resume: { offset: 3, version: first.version } });
      expect(second.start).toBe(0);
      expect(String(await collect(second.stream))).toBe('other');
    });

    test('the whole of a resumed object is checked against its CRC32C', async () => {
      await save('checked.csv', bytes);
      const { version, stream } = await open('gs://pools/checked.csv');
      stream.destroy();
      const rest = await open('gs://pools/checked.csv', { resume: { offset: 10, version } });
      const tail = await collect(rest.stream);
      const check = async (head: Buffer) => {
        const through = rest.wholeCheck!();
        through.end(Buffer.concat([head, tail]));
        return (await collect(through)).length;
      };
      expect(await check(bytes.subarray(0, 10))).toBe(600_000);
      await expect(check(Buffer.alloc(10))).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('CRC32C') as string,
      });
    });

    test('bytes come as they are stored: no gunzip on the way', async () => {
      const packed = gzipSync(bytes);
      await save('packed.csv', packed, { metadata: { contentEncoding: 'gzip' } });
      const { stream } = await open('gs://pools/packed.csv');
      expect((await collect(stream)).equals(packed)).toBe(true);
    });

    test('an empty object has no bytes', async () => {
      await save('empty', Buffer.alloc(0));
      expect((await collect((await open('gs://pools/empty')).stream)).length).toBe(0);
    });

    test('what is not there, and a server that is not there', async () => {
      await expect(open('gs://pools/nothing')).rejects.toMatchObject({
        code: 'source-missing',
        message: expect.stringContaining('gs://pools/nothing') as string,
      });
      const nowhere = createTransports({
        workingDirectory: '.',
        gcs: { endpoint: 'http://127.0.0.1:9', projectId: 'p', policy: { retries: 0 } },
      });
      await expect(openSource(nowhere, { uri: 'gs://pools/x' })).rejects.toMatchObject({
        code: 'unavailable',
      });
    });
  },
  'cloud',
);
