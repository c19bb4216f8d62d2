import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { DeployActivities } from '../../activities/deploy';
import type { TrialLook, TrialPlan } from '../../activities/deploy/rollout';
import { rolloutConfigSchema, type RolloutStatus, type VersionFigures } from '../../src/contracts';
import type { RolloutOutput } from '../../workflows/rollout';
import { eventually } from '../support/eventually';
import { startServer, workflowOptions } from '../support/temporal';

/** The rollout's own decisions: what it does with gates, looks and people. The serving side is scripted. */
const STEPS = [
  { mode: 'shadow', share: 100, watch: '100ms', within: '10s', requests: 10 },
  { mode: 'canary', share: 25, watch: '100ms', within: '10s', requests: 10 },
];
const figures = (version: string, requests: number): VersionFigures => ({
  ...{ version: `solubility/${version}`, requests, errors: 0, molecules: requests, rejected: 0 },
  ...{ latencySeconds: null, prediction: null, agreement: null },
});
const looking = (candidate: number, stable = 100): TrialLook => ({
  ...{ state: 'on', message: 'on trial', verdicts: [] },
  figures: [figures('v2', candidate), figures('v1', stable)],
});
const BAD: TrialLook = {
  ...looking(30),
  verdicts: [{ check: 'errors', verdict: 'bad', evidence: '9 of 30 requests failed.' }],
};

let env: TestWorkflowEnvironment;
let orchestration: Worker;
let running: Promise<void>[] = [];
let rollouts = 0;
let calls: string[];
let look: (call: number) => TrialLook;
let plan: TrialPlan;
let gate: boolean;

const ready = { version: 'solubility/v2', status: 'ready', endpoint: '', message: 'it serves' } as const;
let looks = 0;
const activities: Partial<DeployActivities> = {
  judgeCandidate: async () => [{ gate: 'quality', passed: gate, evidence: 'Figures of 30 molecules.' }],
  planTrial: async () => plan,
  startTrial: async ({ mode, share, operationId }) => {
    calls.push(`${mode} ${share} ${operationId}`);
    return ready;
  },
  lookAtTrial: async () => look((looks += 1)),
  endTrial: async () => {
    calls.push('end');
    return ready;
  },
  deployModel: async ({ operationId }) => {
    calls.push(`deploy ${operationId}`);
    return ready;
  },
  recordDeployment: async ({ deployment }) => void calls.push(`record ${deployment!.status}`),
  spoolTracking: async () => [],
  modelsToUpload: async () => [],
};

const startOrchestration = async () => {
  orchestration = await Worker.create({
    ...{ connection: env.nativeConnection, namespace: env.namespace },
    ...{ taskQueue: 'orchestration', ...workflowOptions() },
  });
  running.push(orchestration.run());
};
let deploy: Worker;
beforeAll(async () => {
  env = await startServer();
  await startOrchestration();
  deploy = await Worker.create({
    ...{ connection: env.nativeConnection, namespace: env.namespace, taskQueue: 'deploy', activities },
  });
  running.push(deploy.run());
});
afterAll(async () => {
  orchestration.shutdown();
  deploy.shutdown();
  await Promise.all(running);
  running = [];
  await env.teardown();
});
beforeEach(() => {
  [calls, looks, gate] = [[], 0, true];
  plan = { stable: 'solubility/v1', requests: 50, obstacle: null };
  look = () => looking(20);
});

const start = (limits: object = {}): Promise<WorkflowHandle> =>
  env.client.workflow.start('rollout', {
    taskQueue: 'orchestration',
    workflowId: `rollout-${(rollouts += 1)}`,
    workflowTaskTimeout: '2s',
    args: [
      {
        ...{ campaignId: 'solubility', round: 2, notify: null },
        version: { id: 'solubility/v2', number: 2, card: {} },
        limits: { ...rolloutConfigSchema.parse({ steps: STEPS }), ...limits },
      },
    ],
  });
const state = (handle: WorkflowHandle) => handle.query<RolloutStatus>('rollout');
const until = (handle: WorkflowHandle, enough: (status: RolloutStatus) => boolean) =>
  eventually(() => state(handle), enough, { seconds: 20, every: 20 });
const result = async (handle: WorkflowHandle) => (await handle.result()) as RolloutOutput;

test('gates, each step in its turn, promotion, and the trial ended after it', async () => {
  const handle = await start();
  expect(await result(handle)).toMatchObject({
    status: 'deployed',
    figures: [{ requests: 20 }, { requests: 100 }],
  });
  expect(calls).toEqual([
    'shadow 100 solubility/round/2/trial/1',
    'canary 25 solubility/round/2/trial/2',
    'deploy solubility/round/2/deploy',
    'end',
    'record deployed',
  ]);
  const { phase, events } = await state(handle);
  expect(phase).toBe('ended');
  expect(events.map(({ message }) => message).join('\n')).toMatch(
    /watching .* 100 % \(shadow\).*watching .* 25 % \(canary\)/s,
  );
});

test('a gate that fails explains itself, and nothing is tried', async () => {
  gate = false;
  expect(await result(await start())).toMatchObject({
    status: 'held',
    message: 'held back by quality (Figures of 30 molecules.)',
  });
  expect(calls).toEqual(['record held']);
});

test('what is bad on trial goes back by itself, with the evidence', async () => {
  look = (call) => (call > 1 ? BAD : looking(3));
  expect(await result(await start())).toMatchObject({
    status: 'rolled-back',
    message: 'rolled back by errors (9 of 30 requests failed.)',
    verdicts: BAD.verdicts,
    figures: BAD.figures,
  });
  expect(calls).toEqual(['shadow 100 solubility/round/2/trial/1', 'end', 'record rolled-back']);
});

test('without a request lately nothing is watched; without one in a step it goes on, and says so', async () => {
  plan = { ...plan, requests: 0 };
  expect(await result(await start())).toMatchObject({
    status: 'deployed',
    message: expect.stringMatching(/not enough data: solubility\/v1 was asked 0 times lately/),
  });
  expect(calls[0]).toBe('deploy solubility/round/2/deploy');
  plan = { ...plan, requests: 5 };
  look = () => looking(0, 0);
  expect(await result(await start())).toMatchObject({
    status: 'deployed',
    message: expect.stringMatching(/shadow 100 %: not enough data, 0 of 10 requests in/),
  });
});

test("'hold' waits for data as long as it takes, and for a person, who may approve it as it is", async () => {
  look = () => looking(2);
  const steps = STEPS.map((step) => ({ ...step, within: '200ms' }));
  const handle = await start({ notEnoughData: 'hold', steps });
  const held = await until(handle, ({ message }) => message.includes('holding until there are more'));
  expect(held).toMatchObject({
    phase: 'watching',
    step: { number: 1, of: 2, mode: 'shadow', share: 100, requests: 10 },
    figures: [{ requests: 2 }, { requests: 100 }],
  });
  await handle.signal('approveRollout', { by: 'ada', reason: 'a quiet week', version: 'solubility/v2' });
  expect(await result(handle)).toMatchObject({
    status: 'deployed',
    message: expect.stringContaining('approved by ada: a quiet week'),
  });
});

test('manual approval: it waits, refuses what means another version, and takes the update', async () => {
  const handle = await start({ approval: 'manual' });
  await until(handle, ({ phase }) => phase === 'awaiting-approval');
  const wrong = handle.executeUpdate('approveRollout', { args: [{ version: 'solubility/v9' }] });
  await expect(wrong).rejects.toThrow(WorkflowUpdateFailedError);
  expect(calls.some((call) => call.startsWith('deploy'))).toBe(false);
  await handle.executeUpdate('approveRollout', { args: [{ by: 'ada' }] });
  expect(await result(handle)).toMatchObject({ status: 'deployed' });
});

test('a person takes it back at any step', async () => {
  look = () => looking(0, 100);
  const handle = await start();
  await until(handle, ({ phase }) => phase === 'watching');
  await handle.executeUpdate('rollbackRollout', { args: [{ by: 'bob', reason: 'looks odd' }] });
  expect(await result(handle)).toMatchObject({
    status: 'rolled-back',
    message: 'rolled back by bob: looks odd',
  });
  expect(calls).toEqual(['shadow 100 solubility/round/2/trial/1', 'end', 'record rolled-back']);
});

test('gives way to a hold before, and to a later rollout under way', async () => {
  plan = { ...plan, obstacle: { status: 'held', message: 'ada holds v1' } };
  expect(await result(await start())).toMatchObject({ status: 'held', message: 'ada holds v1' });
  expect(calls).toEqual(['record held']);
  plan = { ...plan, obstacle: null };
  look = () => ({ state: 'gone', message: 'solubility/v3 is on trial now', figures: [], verdicts: [] });
  expect(await result(await start())).toMatchObject({ status: 'superseded' });
});

test('a worker that ends in the middle of a step changes nothing', async () => {
  look = () => looking(0);
  const handle = await start();
  await until(handle, ({ phase }) => phase === 'watching');
  orchestration.shutdown();
  await running[0];
  await startOrchestration();
  look = () => looking(20);
  expect(await result(handle)).toMatchObject({ status: 'deployed' });
  expect(calls.filter((call) => call.startsWith('shadow'))).toHaveLength(1);
  expect(calls.filter((call) => call.startsWith('deploy'))).toHaveLength(1);
});
