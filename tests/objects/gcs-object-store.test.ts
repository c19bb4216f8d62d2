import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createGcsObjectStore } from '../../src/objects';
import { describeObjectStore } from '../contract/object-store';
import {
  makeBucket,
  overwrite,
  startGcsProxy,
  startGcsServer,
  type GcsProxy,
  type GcsServer,
} from '../support/gcs-server';
import { describeWithPython } from '../support/python';

const folders: string[] = [];
const folder = () => {
  folders.push(mkdtempSync(path.join(tmpdir(), 'titrate-gcs-cache-')));
  return folders.at(-1)!;
};
afterAll(() => folders.forEach((at) => rmSync(at, { recursive: true, force: true })));

describeWithPython(
  'Cloud Storage, over the wire',
  () => {
    let memory: GcsServer;
    let files: GcsServer;
    let proxy: GcsProxy;
    let serial = 0;
    beforeAll(async () => {
      [memory, files] = await Promise.all([
        startGcsServer({ backend: 'memory' }),
        startGcsServer({ backend: 'filesystem' }),
      ]);
      proxy = await startGcsProxy(memory.endpoint);
    });
    afterAll(async () => {
      await proxy?.stop();
      await Promise.all([memory?.stop(), files?.stop()]);
    });

    function openAt(endpointOf: () => string, prefix?: string) {
      return async () => {
        const endpoint = endpointOf();
        const bucket = `contract-${++serial}`;
        await makeBucket(endpoint, bucket, endpoint !== files.endpoint);
        const open = () =>
          createGcsObjectStore({
            bucket,
            prefix,
            endpoint,
            cacheDirectory: folder(),
            retry: { attempts: 4, firstDelayMs: 20 },
          });
        const base = prefix ? `${prefix}/` : '';
        return {
          store: open(),
          other: open(),
          corrupt: (sha256: string, bytes: Buffer) =>
            overwrite(endpoint, bucket, `${base}objects/${sha256.slice(0, 2)}/${sha256}`, bytes),
        };
      };
    }

    describeObjectStore(
      'fake-gcs-server, files',
      openAt(() => files.endpoint),
    );
    describeObjectStore(
      'fake-gcs-server, memory, behind strict preconditions',
      openAt(() => proxy.endpoint, 'team/titrate'),
    );
  },
  'cloud',
);
