import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { createModelUploadActivities } from '../../activities/deploy/model-uploads';
import { createTrackingActivities } from '../../activities/deploy/tracking';
import { modelUploadsId, trackingId } from '../../src/contracts';
import { createLocalTracker } from '../../src/tracking';
import { createModelUpload, modelUploadsOf, uploadVersion, type ModelUpload } from '../../src/training';
import { failureInterceptor } from '../../workers/failure-interceptor';
import type { ModelUploadsOutput } from '../../workflows/model-uploads';
import type { TrackingOutput } from '../../workflows/tracking';
import { eventually } from '../support/eventually';
import { startServer, workflowOptions } from '../support/temporal';
import { CAMPAIGN, makeHome, openCampaign, recordRound } from '../tracking/support/campaign';
import { startModelServer, type ModelServer } from './support/model-server';

const PLACE = 'projects/a-project/locations/us-central1';
const NAME = `${PLACE}/models/titrate-${CAMPAIGN}`;

/** The server of models is made from published protos: it checks transport and message shape, not how Google's service behaves. */
describe('uploads of models beside a campaign, on a real Temporal server', () => {
  let env: TestWorkflowEnvironment;
  let workers: Worker[];
  let running: Promise<unknown>;
  let vertex: ModelServer;
  let home: Awaited<ReturnType<typeof makeHome>>;
  let modelUpload: ModelUpload;
  let isOn = true;

  beforeAll(async () => {
    [env, vertex, home] = await Promise.all([
      startServer(),
      startModelServer('a-project', 'us-central1'),
      makeHome(),
    ]);
    modelUpload = createModelUpload({
      objects: home.objects,
      projectId: 'a-project',
      region: 'us-central1',
      endpoint: vertex.endpoint,
      image: 'us-central1-docker.pkg.dev/a-project/titrate/worker:1.0.0',
      environment: {},
      labels: {},
      patienceSeconds: 0.2,
    });
    const uploads = () => createModelUploadActivities({ ...home, modelUpload: isOn ? modelUpload : null });
    const base = { connection: env.nativeConnection, namespace: env.namespace };
    workers = await Promise.all([
      Worker.create({ ...base, taskQueue: 'orchestration', ...workflowOptions() }),
      Worker.create({
        ...base,
        taskQueue: 'deploy',
        interceptors: { activity: [failureInterceptor] },
        activities: {
          ...createTrackingActivities({ ...home, tracker: createLocalTracker(home.objects) }),
          modelsToUpload: (input: { campaignId: string }) => uploads().modelsToUpload(input),
          uploadModels: (input: { campaignId: string }) => uploads().uploadModels(input),
        },
      }),
    ]);
    running = Promise.all(workers.map((worker) => worker.run()));
    await openCampaign(home);
  });
  afterAll(async () => {
    workers.forEach((worker) => worker.shutdown());
    await running;
    await modelUpload.close();
    await Promise.all([env.teardown(), vertex.stop(), home.remove()]);
  });

  /** What a round does when it is recorded. */
  const track = async () =>
    (await env.client.workflow.execute('tracking', {
      taskQueue: 'orchestration',
      workflowId: trackingId(CAMPAIGN),
      args: [{ campaignId: CAMPAIGN }],
    })) as TrackingOutput;
  const uploadsEnd = () =>
    env.client.workflow.getHandle(modelUploadsId(CAMPAIGN)).result() as Promise<ModelUploadsOutput>;
  const there = () => vertex.versions.map(({ versionAliases }) => versionAliases.join());
  const onRecord = async (number: number) =>
    modelUploadsOf(home.objects, await home.registry.resolve(`${CAMPAIGN}/v${number}`));

  test('where models are not uploaded nothing is started, and nothing is asked', async () => {
    isOn = false;
    await recordRound(home, 1);
    expect(await track()).toMatchObject({ undelivered: null });
    await expect(uploadsEnd()).rejects.toMatchObject({ name: 'WorkflowNotFoundError' });
    expect(vertex.calls).toEqual({});
    isOn = true;
  });

  test('with faults of every kind on the way, each version is there once; rounds before the setting too', async () => {
    await recordRound(home, 2);
    vertex.faults.push(
      // The first attempts of the activity end with it; Temporal tries again.
      ...Array.from(
        { length: 6 },
        () => ({ method: 'GetModel', code: 'UNAVAILABLE', message: 'away' }) as const,
      ),
      { method: 'UploadModel', code: 'UNAVAILABLE', message: 'reset', lost: true },
      { method: 'UploadModel', code: 'ALREADY_EXISTS', message: 'there', lost: true },
      { method: 'GetOperation', code: 'INTERNAL', message: 'oops' },
    );
    expect(await track()).toMatchObject({ undelivered: null });
    expect(await uploadsEnd()).toEqual({
      uploaded: [`${CAMPAIGN}/v1`, `${CAMPAIGN}/v2`],
      notUploaded: null,
    });
    expect(there()).toEqual(['v1', 'v2']);
    expect(await onRecord(2)).toMatchObject([
      {
        kind: 'uploaded',
        ...{ place: PLACE, name: NAME, versionId: '2', author: 'titrate' },
        operationId: `${CAMPAIGN}/v2/upload`,
      },
    ]);
    const calls = vertex.calls.UploadModel;
    await track();
    expect(vertex.calls.UploadModel).toBe(calls);
  });

  test('while Vertex AI is away rounds are tracked as ever; their models follow when it is back', async () => {
    await recordRound(home, 3);
    let away = true;
    vertex.refuse = () => (away ? { code: 'UNAVAILABLE', message: 'away' } : null);
    expect((await track()).deliveries.flatMap(({ delivered }) => delivered)).toMatchObject([{ number: 3 }]);
    await eventually(
      () => onRecord(3),
      (events) => events.length > 0,
    );
    // Another round meanwhile: the upload that goes on is told, and no second one is begun.
    await recordRound(home, 4);
    expect((await track()).deliveries.flatMap(({ delivered }) => delivered)).toMatchObject([{ number: 4 }]);
    away = false;
    expect(await uploadsEnd()).toMatchObject({ notUploaded: null });
    expect(there()).toEqual(['v1', 'v2', 'v3', 'v4']);
    expect(await onRecord(3)).toMatchObject([
      { kind: 'failed', code: 'unavailable', message: expect.stringMatching(/away/) },
      { kind: 'uploaded', versionId: '3' },
    ]);
  });

  test('a refusal ends the upload with words, keeps no other version from it, and is tried again the next time', async () => {
    await recordRound(home, 5);
    await recordRound(home, 6);
    vertex.faults.push({ method: 'UploadModel', code: 'PERMISSION_DENIED', message: 'not allowed' });
    expect(await track()).toMatchObject({ undelivered: null });
    expect(await uploadsEnd()).toMatchObject({
      notUploaded: expect.stringMatching(/not allowed.*roles\/aiplatform\.user/),
    });
    expect(there()).toEqual(['v1', 'v2', 'v3', 'v4', 'v6']);
    expect(await onRecord(5)).toMatchObject([{ kind: 'failed', code: 'config-invalid' }]);
    await track();
    expect(await uploadsEnd()).toEqual({ uploaded: [`${CAMPAIGN}/v5`], notUploaded: null });
    expect(there()).toEqual(['v1', 'v2', 'v3', 'v4', 'v6', 'v5']);
  });

  test('by hand, one that was deleted there is entered again, and the record says so', async () => {
    const version = await home.registry.resolve(`${CAMPAIGN}/v6`);
    const by = { author: 'ada', reason: 'by hand' };
    await uploadVersion(version, { ...home, modelUpload, ...by });
    expect(await onRecord(6)).toHaveLength(1);
    vertex.versions.splice(4, 1);
    await uploadVersion(version, { ...home, modelUpload, ...by });
    expect(there().sort()).toEqual(['v1', 'v2', 'v3', 'v4', 'v5', 'v6']);
    expect((await onRecord(6)).map(({ kind, author }) => [kind, author])).toEqual([
      ['uploaded', 'titrate'],
      ['uploaded', 'ada'],
    ]);
  });
});
