import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { createModelUploadActivities } from '../../activities/deploy/model-uploads';
import { createTrackingActivities } from '../../activities/deploy/tracking';
import { trackingId } from '../../src/contracts';
import { createWandbTracker } from '../../src/tracking';
import { failureInterceptor } from '../../workers/failure-interceptor';
import type { TrackingOutput } from '../../workflows/tracking';
import { eventually } from '../support/eventually';
import { startServer, workflowOptions } from '../support/temporal';
import { API_KEY, startWandbServer, type WandbServer } from './server';
import { CAMPAIGN, makeHome, openCampaign, recordRound } from './support/campaign';

describe('tracking on a real Temporal server', () => {
  let env: TestWorkflowEnvironment;
  let workers: Worker[];
  let running: Promise<unknown>;
  let wandb: WandbServer;
  let home: Awaited<ReturnType<typeof makeHome>>;
  let key = API_KEY;

  beforeAll(async () => {
    [env, wandb, home] = await Promise.all([startServer(), startWandbServer(), makeHome()]);
    const at = { baseUrl: wandb.url, entity: 'chemists', project: 'titrate', objects: home.objects };
    const activities = (tracker: ReturnType<typeof createWandbTracker>) =>
      createTrackingActivities({ ...home, tracker });
    // The key is read when a tracker makes its first call; a worker that is started anew reads it anew.
    const current = () => activities(createWandbTracker({ ...at, apiKey: () => key }));
    const base = { connection: env.nativeConnection, namespace: env.namespace };
    workers = await Promise.all([
      Worker.create({ ...base, taskQueue: 'orchestration', ...workflowOptions() }),
      Worker.create({
        ...base,
        taskQueue: 'deploy',
        interceptors: { activity: [failureInterceptor] },
        activities: {
          ...createModelUploadActivities({ ...home, modelUpload: null }),
          spoolTracking: (input: { campaignId: string }) => current().spoolTracking(input),
          deliverTracking: (input: { campaignId: string }) => current().deliverTracking(input),
        },
      }),
    ]);
    running = Promise.all(workers.map((worker) => worker.run()));
  });
  afterAll(async () => {
    workers.forEach((worker) => worker.shutdown());
    await running;
    await Promise.all([env.teardown(), wandb.down(), home.remove()]);
  });

  const start = () =>
    env.client.workflow.start('tracking', {
      taskQueue: 'orchestration',
      workflowId: trackingId(CAMPAIGN),
      args: [{ campaignId: CAMPAIGN }],
    });
  const pending = async () =>
    (await home.spool.pending(CAMPAIGN, `${wandb.url}/chemists/titrate`)).map(({ number }) => number);

  test('rounds that end while W&B is down are spooled at once and arrive when it is back', async () => {
    await openCampaign(home);
    await recordRound(home, 1);
    await wandb.down();
    const handle = await start();
    await eventually(pending, (numbers) => numbers.length === 1, { seconds: 30, every: 50 });
    await recordRound(home, 2);
    await handle.signal('trackingNews');
    expect(await eventually(pending, (numbers) => numbers.length === 2, { seconds: 30, every: 50 })).toEqual([
      1, 2,
    ]);
    await wandb.up();
    const output = (await handle.result()) as TrackingOutput;
    expect(output.undelivered).toBeNull();
    expect(output.deliveries.flatMap(({ delivered }) => delivered.map(({ number }) => number))).toEqual([
      1, 2,
    ]);
    expect(await pending()).toEqual([]);
  });

  test('a key that is refused ends the delivery with words, and the next occasion brings everything', async () => {
    await recordRound(home, 3);
    key = 'not-the-key';
    const refused = (await (await start()).result()) as TrackingOutput;
    expect(refused.undelivered).toMatch(/W&B refused the key/);
    expect(await pending()).toEqual([3]);
    key = API_KEY;
    await recordRound(home, 4);
    const output = (await (await start()).result()) as TrackingOutput;
    expect(output.deliveries.flatMap(({ delivered }) => delivered.map(({ number }) => number))).toEqual([
      3, 4,
    ]);
    const { runs } = wandb.state.projects.get('chemists/titrate')!;
    const whole = [...runs.values()].find(({ jobType }) => jobType === 'campaign')!;
    expect(whole.history.map((line) => (JSON.parse(line) as { round: number }).round)).toEqual([1, 2, 3, 4]);
  });
});
