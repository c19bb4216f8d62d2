import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { compiledEntry } from '../../src/foundation';
import { workerDeployment } from '../../workers/versioning';
import { eventually } from '../support/eventually';
import { startServer } from '../support/temporal';

let environment: TestWorkflowEnvironment;
let worker: ChildProcess | undefined;
const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-versioning-'));

beforeAll(async () => {
  environment = await startServer();
}, 120_000);
afterAll(async () => {
  if (worker && worker.exitCode === null) {
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
  }
  await environment?.teardown();
  rmSync(home, { recursive: true, force: true });
});

test('a worker with a build id is a version of its deployment, and its workflows are pinned to it', async () => {
  const [host, port] = environment.address.split(':');
  worker = spawn(process.execPath, [compiledEntry('workers/orchestration')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      TITRATE_HOME: home,
      TITRATE_TEMPORAL_HOST: host,
      TITRATE_TEMPORAL_PORT: port,
      TEMPORAL_DEPLOYMENT_NAME: 'titrate',
      TEMPORAL_WORKER_BUILD_ID: 'b-1',
    },
  });
  const { client } = environment;
  const namespace = client.options.namespace;
  const described = await eventually(
    () => client.workflowService.describeWorkerDeployment({ namespace, deploymentName: 'titrate' }),
    ({ workerDeploymentInfo }) => (workerDeploymentInfo?.versionSummaries ?? []).length > 0,
  );
  expect(described.workerDeploymentInfo!.versionSummaries).toMatchObject([
    { deploymentVersion: { deploymentName: 'titrate', buildId: 'b-1' } },
  ]);
  await client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace,
    deploymentName: 'titrate',
    buildId: 'b-1',
    identity: 'test',
    ignoreMissingTaskQueues: true,
  });
  // What it is asked to do does not matter here: its first task is taken by the version, and says so.
  const handle = await client.workflow.start('tracking', {
    workflowId: 'pinned/tracking',
    taskQueue: 'orchestration',
    args: [{ campaignId: 'pinned' }],
  });
  const info = await eventually(
    async () => (await handle.describe()).raw.workflowExecutionInfo?.versioningInfo,
    (versioning) => Boolean(versioning?.deploymentVersion?.buildId),
  );
  // 1 is PINNED in temporal.api.enums.v1.VersioningBehavior.
  expect(info).toMatchObject({
    behavior: 1,
    deploymentVersion: { deploymentName: 'titrate', buildId: 'b-1' },
  });
  await handle.terminate();
}, 60_000);

test('without the variables a worker is not versioned; with one of two it does not start', () => {
  expect(workerDeployment({})).toBeUndefined();
  expect(() => workerDeployment({ TEMPORAL_DEPLOYMENT_NAME: 'titrate' })).toThrow(
    /TEMPORAL_WORKER_BUILD_ID is missing/,
  );
  expect(() => workerDeployment({ TEMPORAL_WORKER_BUILD_ID: 'b' })).toThrow(
    /TEMPORAL_DEPLOYMENT_NAME is missing/,
  );
});
