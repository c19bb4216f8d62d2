import fc from 'fast-check';
import { createModelUpload, modelId } from '../../src/training';
import { temporaryStore } from '../processing/support/processing';
import { eventually } from '../support/eventually';
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
    server.ends.length = 0;
    server.looks = 0;
    for (const name of Object.keys(server.calls)) delete server.calls[name];
  });
  afterEach(() => store.remove());

  async function upload(
    version: number,
    patienceSeconds = 0.3,
    { signal, card = 'c'.repeat(64) }: { signal?: AbortSignal; card?: string } = {},
  ) {
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
      return await uploader.upload({ model, version, description: `round ${version}`, card }, { signal });
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
          { name: 'TITRATE_INFERENCE_AUTH', value: 'off' },
          { name: 'TITRATE_INFERENCE_PORT', value: '8080' },
        ],
        ports: [{ containerPort: 8080 }],
        predictRoute: '/v2/models/esol-42/versions/v3/infer',
        healthRoute: '/v2/health/ready',
      },
    });
  });

  const METHODS = ['GetModel', 'UploadModel', 'GetOperation'] as const;
  const CODES = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL', 'ABORTED'] as const;
  test.each(
    METHODS.flatMap((method) =>
      CODES.flatMap((code) => [true, false].map((lost) => [method, code, lost] as const)),
    ),
  )('exactly one version when %s answers %s (done all the same: %s)', async (method, code, lost) => {
    server.faults.push({ method, code, message: 'fault', lost });
    expect(await upload(1)).toEqual({ name: NAME, versionId: '1' });
    expect(server.versions).toHaveLength(1);
    expect(server.faults).toEqual([]);
  });

  test.each([true, false])(
    'exactly one version when UploadModel answers ALREADY_EXISTS (done: %s)',
    async (lost) => {
      server.faults.push({ method: 'UploadModel', code: 'ALREADY_EXISTS', message: 'there', lost });
      expect(await upload(1)).toEqual({ name: NAME, versionId: '1' });
      expect(server.versions).toHaveLength(1);
    },
  );

  test('two versions whose uploads both mean to make the model are both there, once', async () => {
    server.looks = 2;
    const [one, two] = await Promise.all([upload(1), upload(2)]);
    expect([one, two].map(({ name }) => name)).toEqual([NAME, NAME]);
    expect(server.versions.flatMap(({ versionAliases }) => versionAliases).sort()).toEqual(['v1', 'v2']);
  });

  test('an operation that ends in an error is told in its words, and can be tried again', async () => {
    server.ends.push({ code: 'INVALID_ARGUMENT', message: 'the image cannot be pulled' });
    await expect(upload(1)).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('the image cannot be pulled'),
    });
    expect(server.versions).toEqual([]);
    // A minute would be the patience, were the attempt still open.
    expect(await upload(1, 60)).toEqual({ name: NAME, versionId: '1' });
  });

  test('an upload that takes long, and cannot be watched for a while, is waited for and made once', async () => {
    server.looks = 3;
    for (let i = 0; i < 3; i++)
      server.faults.push({ method: 'GetOperation', code: 'UNAVAILABLE', message: 'not now' });
    expect(await upload(1, 0.01)).toEqual({ name: NAME, versionId: '1' });
    expect(server.versions).toHaveLength(1);
    expect(server.calls.UploadModel).toBe(1);
  });

  test('an upload that is cancelled while Vertex AI works at it goes on there, and is found', async () => {
    server.looks = Infinity;
    const stop = new AbortController();
    const waiting = upload(1, 60, { signal: stop.signal });
    const looked = async () => server.calls.GetOperation ?? 0;
    await eventually(looked, (looks) => looks > 0);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    // It ends there while the next one looks.
    const again = upload(1, 60);
    const seen = server.calls.GetModel!;
    await eventually(
      async () => server.calls.GetModel!,
      (calls) => calls > seen + 1,
    );
    server.finish();
    expect(await again).toEqual({ name: NAME, versionId: '1' });
    expect(server.calls.UploadModel).toBe(1);
  });

  test("another installation's model of the same name is not taken for ours", async () => {
    await upload(1);
    await expect(upload(1, 0.3, { card: 'd'.repeat(64) })).rejects.toMatchObject({
      code: 'contradiction',
      message: expect.stringMatching(
        /another model is there.*titrate_card is 'c{63}', and ours 'd{63}'.*google\.region/,
      ),
    });
    expect(server.versions).toHaveLength(1);
  });

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
