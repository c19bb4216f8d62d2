import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  deliverVersion,
  openWorkerVersions,
  rampWorkers,
  readSmokeValues,
  runSmokeCampaign,
  smokeConfig,
  SMOKE_PREFIX,
  type DeliveryPlan,
  type SmokeVerdict,
  type WorkerVersions,
} from '../../scripts/delivery';
import type { CampaignOutcome, CurrentBatch } from '../../src/contracts';
import { compiledEntry, packageRoot } from '../../src/foundation';
import { loadSettings } from '../../src/platform/settings';
import { eventually } from '../support/eventually';
import { startServer } from '../support/temporal';

const POOL = path.join(packageRoot, 'infra/ci/smoke/pool.csv');
const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-delivery-'));
const workers = new Map<string, ChildProcess>();
let environment: TestWorkflowEnvironment;
let versions: WorkerVersions;

/** Every queue in one process, as a version of the workers. */
async function startWorkers(buildId: string, env: Record<string, string> = {}): Promise<void> {
  const [host, port] = environment.address.split(':');
  const home = path.join(directory, buildId);
  mkdirSync(home, { recursive: true });
  const child = spawn(process.execPath, [compiledEntry('workers/all')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TITRATE_HOME: home,
      TITRATE_WORKING_DIRECTORY: directory,
      TITRATE_TEMPORAL_HOST: host!,
      TITRATE_TEMPORAL_PORT: port!,
      TITRATE_THREADS_CHEMISTRY: '1',
      TITRATE_THREADS_LEARNING: '1',
      TEMPORAL_DEPLOYMENT_NAME: 'titrate',
      TEMPORAL_WORKER_BUILD_ID: buildId,
      ...env,
    },
  });
  workers.set(buildId, child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (said += data.toString('utf8')));
  child.once('exit', (code) => code && process.stderr.write(`workers ${buildId} ended (${code}): ${said}\n`));
}

beforeAll(async () => {
  copyFileSync(POOL, path.join(directory, 'pool.csv'));
  environment = await startServer();
  versions = openWorkerVersions(environment.connection, {
    namespace: environment.client.options.namespace,
    deployment: 'titrate',
    identity: 'test',
  });
}, 120_000);
afterAll(async () => {
  for (const child of workers.values()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  await environment?.teardown();
  rmSync(directory, { recursive: true, force: true });
});

const settings = () => {
  const [host, port] = environment.address.split(':');
  return loadSettings({ home: path.join(directory, 'step'), temporal: { host, port: Number(port) } }, {});
};
const plan = (buildId: string, more: Partial<DeliveryPlan> = {}) => ({
  buildId,
  ramp: [10, 50, 100],
  smokeAt: [0],
  watchSeconds: 0,
  workersWithinSeconds: 60,
  poolFile: POOL,
  poolUri: 'pool.csv',
  smokeWithinSeconds: 100,
  ...more,
});

/** A running campaign of somebody: its second batch is out, and it waits for the laboratory. */
const campaignId = 'of-somebody';
const values = readSmokeValues(readFileSync(POOL, 'utf8'));
const handle = () => environment.client.workflow.getHandle(campaignId);
const ranOn = async (workflowId: string) =>
  (await environment.client.workflow.getHandle(workflowId).describe()).raw.workflowExecutionInfo
    ?.versioningInfo?.deploymentVersion?.buildId;
async function answerBatch(round: number): Promise<void> {
  const { sheet } = await eventually(
    () => handle().query<CurrentBatch>('currentBatch'),
    (batch) => batch.batchId?.endsWith(`/${round}`) ?? false,
    { seconds: 60 },
  );
  const results = sheet!.picks.map(({ moleculeId, compoundId }) => ({
    resultId: `${round}-${moleculeId}`,
    moleculeId,
    outcome: 'measured',
    value: values.get(compoundId!),
  }));
  await handle().signal('labResults', { results });
}

describe('versions of the workers on a real server', () => {
  const said: string[] = [];
  const deliver = (...args: Parameters<typeof plan>) =>
    rampWorkers({ settings: settings(), say: (line) => void said.push(line) }, plan(...args));
  /** The ramp alone: what a smoke campaign says is given. */
  const ramp = (buildId: string, smoke: SmokeVerdict, more: Partial<DeliveryPlan> = {}) =>
    deliverVersion(plan(buildId, { smokeAt: [10], workersWithinSeconds: 1, ...more }), {
      versions,
      smokePrefix: SMOKE_PREFIX,
      smoke: () => Promise.resolve(smoke),
      say: (line) => void said.push(line),
    });
  const good = { passed: true, message: 'as it should' };

  test('workers that lack a queue are named, and nothing is routed to them', async () => {
    await expect(deliver('v0', { workersWithinSeconds: 1 })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/v0 has asked for work on orchestration, featurization, gpu, .* in 1 s/),
    });
    expect(await versions.routing()).toEqual({ current: null, ramping: null, share: 0 });
  });

  test('the first version becomes current after a smoke campaign that nobody else could meet', async () => {
    await startWorkers('v1');
    const verdict = await deliver('v1');
    expect(verdict).toMatchObject({ outcome: 'delivered', before: null, reason: null });
    expect(verdict.steps).toEqual([
      {
        share: 0,
        smoke: expect.stringMatching(/^2 rounds, 16 of 48 measured, best -?[\d.]+, held-out error \d/),
      },
    ]);
    expect(await versions.routing()).toEqual({ current: 'v1', ramping: null, share: 0 });
  }, 150_000);

  test('a failing smoke campaign takes the ramp back; what runs stays on the old version and finishes', async () => {
    await environment.client.workflow.start('activeLearningCampaign', {
      taskQueue: 'orchestration',
      workflowId: campaignId,
      args: [smokeConfig('pool.csv')],
    });
    await answerBatch(1);
    // A version whose volume was not mounted: its workers start, and find no source.
    await startWorkers('v2', { TITRATE_WORKING_DIRECTORY: path.join(directory, 'v2') });
    const verdict = await deliver('v2', { smokeAt: [10] });
    expect(verdict).toMatchObject({ outcome: 'rolled-back', before: 'v1', steps: [], pinned: [] });
    expect(verdict.reason).toMatch(/^smoke campaign at 10 %: .*pool\.csv.* no such file/);
    expect(said).toEqual(expect.arrayContaining(['10 % of new workflows go to v2', 'routing: current v1']));
    expect(await versions.routing()).toEqual({ current: 'v1', ramping: null, share: 0 });

    workers.get('v2')!.kill('SIGKILL');
    await answerBatch(2);
    const outcome = (await handle().result()) as CampaignOutcome;
    expect(outcome).toMatchObject({ stopReason: 'budget', labelled: 16 });
    expect(await ranOn(campaignId)).toBe('v1');
    // Nothing of the smoke campaign is left running.
    expect(await versions.running('v2')).toEqual([]);
  }, 180_000);

  test('shares go up one after the other, and what was current drains', async () => {
    said.length = 0;
    const verdict = await ramp('v2', good);
    expect(verdict).toMatchObject({
      outcome: 'delivered',
      before: 'v1',
      steps: [
        { share: 10, smoke: 'as it should' },
        { share: 50, smoke: null },
        { share: 100, smoke: null },
      ],
    });
    expect(await versions.routing()).toEqual({ current: 'v2', ramping: null, share: 0 });
    const [v1] = (await versions.list()).filter(({ buildId }) => buildId === 'v1');
    expect(v1!.drainage).not.toBe('serving');
    expect(await ramp('v2', good)).toMatchObject({ outcome: 'delivered', steps: [] });
  });

  test('a workflow of somebody that fails on the new version ends the ramp, and stays named while pinned', async () => {
    const { client } = environment;
    const version = { deploymentName: 'titrate', buildId: 'v1' };
    const start = (workflowId: string) =>
      client.workflow.start('activeLearningCampaign', {
        taskQueue: 'orchestration',
        workflowId,
        args: [smokeConfig('pool.csv')],
        versioningOverride: { pinnedTo: version },
      });
    const verdict = ramp('v1', good, { watchSeconds: 60 });
    const stays = await start('stays');
    // An argument that is no campaign fails it at once.
    await client.workflow.start('activeLearningCampaign', {
      taskQueue: 'orchestration',
      workflowId: 'fails',
      args: [{}],
      versioningOverride: { pinnedTo: version },
    });
    expect(await verdict).toMatchObject({
      outcome: 'rolled-back',
      before: 'v2',
      reason: '1 workflow failed on it: fails',
      pinned: expect.arrayContaining(['stays']),
    });
    expect(await versions.routing()).toEqual({ current: 'v2', ramping: null, share: 0 });
    await stays.terminate();
  }, 90_000);

  test('one delivery at a time, and nobody writes over what another one has written', async () => {
    const seen = await versions.routing();
    await versions.ramp('v1', 30, seen);
    await expect(versions.setCurrent('v1', seen)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/current v2 was expected, current v2, 30 % to v1 is there/),
    });
    await versions.unramp(await versions.routing());
    await versions.ramp('v1', 5, await versions.routing());
    await expect(ramp('v2', good)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/v1 is being ramped/),
    });
  }, 90_000);

  test('a smoke campaign that cannot begin, or whose numbers are not sane, does not pass', async () => {
    await versions.unramp(await versions.routing());
    const smoke = (
      campaignId: string,
      buildId: string,
      pool: { uri: string; values: ReadonlyMap<string, number> },
    ) =>
      runSmokeCampaign({
        client: environment.client,
        campaignId: `${SMOKE_PREFIX}${campaignId}`,
        pool,
        version: { deploymentName: 'titrate', buildId },
        withinSeconds: 60,
      });
    expect(await smoke('nobody', 'v9', { uri: 'pool.csv', values })).toMatchObject({
      passed: false,
      message: expect.stringMatching(/titrate:v9/),
    });
    // A pool that is not what the workers read.
    const more = new Map([...values, ['one-more', 1]]);
    expect(await smoke('other', 'v1', { uri: 'pool.csv', values: more })).toEqual({
      passed: false,
      message: 'the pool is 48, expected 49',
    });
  }, 90_000);
});
