import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prepareBucket } from '../../src/objects';
import { startGcsServer } from '../support/gcs-server';
import { describeWithPython } from '../support/python';

interface Bucket {
  metageneration: string;
  location: string;
  [field: string]: unknown;
}

/**
 * Buckets as cloud.google.com/storage/docs/json_api/v1/buckets describes get, insert and patch: a patch merges objects and replaces
 * arrays, raises the metageneration, and fails with 412 against ifMetagenerationMatch. fake-gcs-server keeps versioning only.
 */
function createBucketServer() {
  const buckets = new Map<string, Bucket>();
  const requests: { method: string; body: Record<string, unknown> }[] = [];
  const merge = (into: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> => {
    for (const [name, value] of Object.entries(patch)) {
      const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
      into[name] = isObject
        ? merge((into[name] as Record<string, unknown>) ?? {}, value as Record<string, unknown>)
        : value;
    }
    return into;
  };
  /** Runs before a patch is looked at, as another administrator would. */
  const hooks = { beforePatch: () => {} };
  const server: Server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.once('end', () => {
      const url = new URL(incoming.url ?? '/', 'http://server');
      const text = Buffer.concat(chunks).toString();
      const body = text ? (JSON.parse(text) as Record<string, unknown>) : {};
      requests.push({ method: incoming.method ?? '', body });
      const answer = (status: number, value: unknown) => {
        outgoing.writeHead(status, { 'content-type': 'application/json' });
        outgoing.end(JSON.stringify(value));
      };
      const refuse = (status: number) =>
        answer(status, { error: { code: status, message: `status ${status}` } });
      if (incoming.method === 'POST') {
        const name = String(body.name);
        if (buckets.has(name)) return refuse(409);
        buckets.set(name, { location: 'US', ...body, metageneration: '1' });
        return answer(200, buckets.get(name));
      }
      const bucket = buckets.get(url.pathname.split('/').at(-1)!);
      if (!bucket) return refuse(404);
      if (incoming.method === 'PATCH') {
        hooks.beforePatch();
        const wanted = url.searchParams.get('ifMetagenerationMatch');
        if (wanted !== null && wanted !== bucket.metageneration) return refuse(412);
        merge(bucket, body);
        bucket.metageneration = String(Number(bucket.metageneration) + 1);
      }
      answer(200, bucket);
    });
  });
  return { server, buckets, requests, hooks };
}

describe('prepareBucket', () => {
  const google = createBucketServer();
  const { buckets, requests, hooks } = google;
  let endpoint: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => google.server.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(google.server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    google.server.closeAllConnections();
    await new Promise((resolve) => google.server.close(resolve));
  });
  beforeEach(() => {
    buckets.clear();
    requests.length = 0;
    hooks.beforePatch = () => {};
  });
  const prepare = (options: Partial<Parameters<typeof prepareBucket>[0]> = {}) =>
    prepareBucket({
      bucket: 'lab',
      prefix: 'titrate',
      projectId: 'p',
      endpoint,
      location: 'europe-west1',
      landingDays: 7,
      noncurrentDays: 30,
      labels: { app: 'titrate' },
      retry: { attempts: 2, firstDelayMs: 5 },
      ...options,
    });
  const rules = [
    {
      action: { type: 'Delete' },
      condition: { daysSinceCustomTime: 7, matchesPrefix: ['titrate/landing/'] },
    },
    { action: { type: 'Delete' }, condition: { daysSinceNoncurrentTime: 30, matchesPrefix: ['titrate/'] } },
  ];

  test('makes the bucket in one request, whole; again it changes nothing', async () => {
    const words = await prepare();
    expect(words[0]).toBe('make the bucket lab in europe-west1');
    expect(requests.filter(({ method }) => method !== 'GET')).toEqual([
      {
        method: 'POST',
        body: {
          name: 'lab',
          location: 'europe-west1',
          versioning: { enabled: true },
          iamConfiguration: {
            uniformBucketLevelAccess: { enabled: true },
            publicAccessPrevention: 'enforced',
          },
          lifecycle: { rule: rules },
          labels: { app: 'titrate' },
        },
      },
    ]);
    expect(await prepare()).toEqual([]);
  });

  test('a dry run says the same and changes nothing', async () => {
    const words = await prepare({ dryRun: true });
    expect(buckets.size).toBe(0);
    expect(await prepare()).toEqual(words);
    const more = await prepare({ landingDays: 3, dryRun: true });
    expect(more).toHaveLength(1);
    expect(await prepare({ landingDays: 3 })).toEqual(more);
  });

  test('reconciles what differs, and leaves rules and labels of others', async () => {
    const theirs = { action: { type: 'Delete' }, condition: { age: 400, matchesPrefix: ['archive/'] } };
    buckets.set('lab', {
      location: 'EUROPE-WEST1',
      metageneration: '5',
      labels: { team: 'chem' },
      lifecycle: { rule: [theirs] },
      versioning: { enabled: true },
    });
    const words = await prepare();
    expect(words).toHaveLength(3);
    expect(words.join()).not.toMatch(/versioning/);
    expect(buckets.get('lab')).toMatchObject({
      labels: { team: 'chem', app: 'titrate' },
      lifecycle: { rule: [theirs, ...rules] },
    });
    await prepare({ noncurrentDays: 10 });
    expect((buckets.get('lab')!.lifecycle as { rule: unknown[] }).rule).toHaveLength(3);
    expect(await prepare({ noncurrentDays: 10 })).toEqual([]);
  });

  test('refuses what cannot be reconciled', async () => {
    await expect(prepare({ landingDays: 0 })).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(prepare({ prefix: 'a//b' })).rejects.toMatchObject({ code: 'config-invalid' });
    await prepare();
    await expect(prepare({ location: 'US' })).rejects.toMatchObject({ code: 'contradiction' });
    hooks.beforePatch = () => {
      const lab = buckets.get('lab')!;
      lab.metageneration = String(Number(lab.metageneration) + 1);
    };
    await expect(prepare({ landingDays: 2 })).rejects.toMatchObject({ code: 'contradiction' });
  });
});

describeWithPython(
  'prepareBucket on fake-gcs-server',
  () => {
    test('turns object versioning on', async () => {
      const server = await startGcsServer({ backend: 'memory' });
      try {
        const words = await prepareBucket({
          bucket: 'lab',
          projectId: 'p',
          endpoint: server.endpoint,
          location: 'US-CENTRAL1',
          landingDays: 7,
          noncurrentDays: 30,
        });
        expect(words.join()).toMatch(/make the bucket lab.*versioning/);
        const answer = await fetch(`${server.endpoint}/storage/v1/b/lab`);
        expect(await answer.json()).toMatchObject({ versioning: { enabled: true } });
      } finally {
        await server.stop();
      }
    });
  },
  'cloud',
);
