import fc from 'fast-check';
import { createModelUpload, modelId } from '../../src/training';
import { temporaryStore } from '../processing/support/processing';
import { startModelServer, type ModelServer } from './support/model-server';

/** The server is made from published protos: it checks transport and message shape, not how Google's service behaves. */
describe('models in the registry of Vertex AI, against a server made from the published protos', () => {
  let server: ModelServer;
  let store: ReturnType<typeof temporaryStore>;
  beforeAll(async () => {
    server = await startModelServer('a-project', 'us-central1');
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    store = temporaryStore();
    server.versions.length = 0;
    server.faults.length = 0;
  });
  afterEach(() => store.remove());

  async function upload(version: number, patienceSeconds = 0.3) {
    const uploader = createModelUpload({
      objects: store.objects,
      projectId: 'a-project',
      region: 'us-central1',
      endpoint: server.endpoint,
      image: 'us-central1-docker.pkg.dev/a-project/titrate/worker:1.0.0',
      environment: { TITRATE_OBJECTS_BUCKET: 'bucket' },
      labels: { application: 'titrate' },
      patienceSeconds,
    });
    try {
      const model = 'esol-42';
      return await uploader.upload({ model, version, description: `round ${version}`, card: 'c'.repeat(64) });
    } finally {
      await uploader.close();
    }
  }
  const NAME = 'projects/a-project/locations/us-central1/models/titrate-esol-42';

  test('a version is entered once, under its alias, with our server as its container', async () => {
    expect(await upload(1)).toEqual({ name: NAME, versionId: '1' });
    expect(await upload(3)).toEqual({ name: NAME, versionId: '2' });
    expect(await upload(1)).toEqual({ name: NAME, versionId: '1' });
    expect(server.versions.map(({ versionAliases }) => versionAliases)).toEqual([['v1'], ['v3']]);
    expect(server.versions[1]).toMatchObject({
      displayName: 'esol-42',
      labels: { application: 'titrate', titrate_version: 'v3', titrate_card: 'c'.repeat(63) },
      containerSpec: {
        imageUri: 'us-central1-docker.pkg.dev/a-project/titrate/worker:1.0.0',
        command: ['node', '--enable-source-maps', 'dist/workers/inference.js'],
        env: [
          { name: 'TITRATE_OBJECTS_BUCKET', value: 'bucket' },
          { name: 'TITRATE_INFERENCE_HOST', value: '0.0.0.0' },
          { name: 'TITRATE_INFERENCE_PORT', value: '8080' },
        ],
        ports: [{ containerPort: 8080 }],
        predictRoute: '/v2/models/esol-42/versions/v3/infer',
        healthRoute: '/v2/health/ready',
      },
    });
  });

  test.each([
    ['UploadModel', 'UNAVAILABLE', true],
    ['UploadModel', 'DEADLINE_EXCEEDED', true],
    ['UploadModel', 'UNAVAILABLE', false],
    ['UploadModel', 'ALREADY_EXISTS', true],
    ['GetModel', 'UNAVAILABLE', false],
    ['GetOperation', 'INTERNAL', false],
  ] as const)(
    'exactly one version when %s answers %s (done all the same: %s)',
    async (method, code, lost) => {
      server.faults.push({ method, code, message: 'fault', lost });
      expect(await upload(1)).toEqual({ name: NAME, versionId: '1' });
      expect(server.versions).toHaveLength(1);
    },
  );

  test('three at the same moment enter it once', async () => {
    const all = await Promise.all([upload(1, 60), upload(1, 60), upload(1, 60)]);
    expect(all).toEqual([all[0], all[0], all[0]]);
    expect(server.versions).toHaveLength(1);
  });

  test('a quota says what to do', async () => {
    server.faults.push({ method: 'UploadModel', code: 'RESOURCE_EXHAUSTED', message: 'models per region' });
    await expect(upload(1)).rejects.toMatchObject({
      code: 'overloaded',
      message: expect.stringMatching(/models per region.*iam-admin\/quotas/),
    });
    expect(server.versions).toEqual([]);
  });

  test('every name has an id of its own that Vertex AI takes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 90 }), { minLength: 2 }), (names) => {
        const ids = names.map(modelId);
        expect(new Set(ids).size).toBe(names.length);
        for (const id of ids) expect(id).toMatch(/^[a-z_][a-z0-9_-]{0,62}$/);
      }),
    );
  });
});
