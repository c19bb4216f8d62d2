import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { DeployActivities } from '../../activities/deploy';
import type { TrialLook } from '../../activities/deploy/rollout';
import { rolloutConfigSchema, type RolloutStatus, type VersionFigures } from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import type { RolloutInput, RolloutOutput } from '../../workflows/rollout';
import { eventually } from '../support/eventually';
import { startServer, workflowOptions } from '../support/temporal';
import { recordHistories } from './support/histories';

/**
 * A rollout that is watched for days continues as new. Here the server suggests it after a few looks already: the same setting by
 * which a server's owner would change its 4,096 events. The serving side is scripted.
 */
const EVENTS = 30;
const SUGGEST = ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${EVENTS}`];
const STEPS = [
  { mode: 'shadow', share: 100, watch: '100ms', within: '10 minutes', requests: 10 },
  { mode: 'canary', share: 25, watch: '100ms', within: '10 minutes', requests: 10 },
];

const figures = (version: string, requests: number): VersionFigures => ({
  ...{ version: `solubility/${version}`, requests, errors: 0, molecules: requests, rejected: 0 },
  ...{ latencySeconds: null, prediction: null, agreement: null },
});
const looking = (candidate: number): TrialLook => ({
  ...{ state: 'on', message: 'on trial' },
  figures: [figures('v2', candidate), figures('v1', 100)],
  verdicts: [{ check: 'errors', verdict: 'ok', evidence: '0 of 100 requests failed.' }],
});
/** What the deploy worker of a trial without an end sees, the same at every look. */
const TOO_FEW = looking(3);

let env: TestWorkflowEnvironment;
let workers: Worker[];
let running: Promise<unknown>;
let started = 0;
/** What each rollout's looks see, by the campaign that stands for it. */
const looks = new Map<string, () => Promise<TrialLook>>();
const calls = new Map<string, string[]>();

const ready = { version: 'solubility/v2', status: 'ready', endpoint: '', message: 'it serves' } as const;
const note = (campaignId: string, call: string) => void calls.get(campaignId)!.push(call);
const activities: Partial<DeployActivities> = {
  judgeCandidate: async () => [{ gate: 'quality', passed: true, evidence: 'Figures of 30 molecules.' }],
  planTrial: async ({ campaignId }) => ({
    ...{ stable: campaignId.startsWith('first') ? null : 'solubility/v1', requests: 50, obstacle: null },
  }),
  startTrial: async ({ campaignId, mode, share, operationId }) => {
    note(campaignId, `${mode} ${share} ${operationId}`);
    return ready;
  },
  lookAtTrial: ({ campaignId }) => looks.get(campaignId)!(),
  endTrial: async ({ campaignId }) => {
    note(campaignId, 'end');
    return ready;
  },
  deployModel: async ({ campaignId, operationId }) => {
    note(campaignId, `deploy ${operationId}`);
    return ready;
  },
};

beforeAll(async () => {
  env = await startServer(SUGGEST);
  const base = { connection: env.nativeConnection, namespace: env.namespace };
  workers = await Promise.all([
    Worker.create({ ...base, taskQueue: 'orchestration', ...workflowOptions() }),
    Worker.create({ ...base, taskQueue: 'deploy', activities }),
  ]);
  running = Promise.all(workers.map((worker) => worker.run()));
});
afterAll(async () => {
  workers.forEach((worker) => worker.shutdown());
  await running;
  await env.teardown();
});

interface Begun {
  readonly handle: WorkflowHandle;
  readonly campaignId: string;
}

/** As `titrate deploy` starts one. */
async function start(
  look: (rollout: Begun) => Promise<TrialLook>,
  limits: object = {},
  name = 'continued',
): Promise<Begun> {
  const campaignId = `${name}-${(started += 1)}`;
  const begun = { campaignId, handle: env.client.workflow.getHandle(`${campaignId}/v2/rollout`) };
  looks.set(campaignId, () => look(begun));
  calls.set(campaignId, []);
  const input: RolloutInput = {
    ...{ campaignId, round: 2, notify: null },
    version: { id: 'solubility/v2', number: 2, card: {} as never },
    limits: { ...rolloutConfigSchema.parse({ steps: STEPS }), ...limits },
    asked: { by: 'ada', reason: 'by hand', operationId: `cli/${campaignId}` },
  };
  await env.client.workflow.start('rollout', {
    ...{ taskQueue: 'orchestration', workflowId: begun.handle.workflowId, workflowTaskTimeout: '2s' },
    args: [input],
  });
  return begun;
}
const state = (handle: WorkflowHandle) => handle.query<RolloutStatus>('rollout');
const result = async ({ handle }: Begun) => (await handle.result()) as RolloutOutput;

/** The runs of a rollout, oldest first. */
async function runsOf({ handle }: Begun): Promise<string[]> {
  const found: { runId: string; at: Date }[] = [];
  const query = `WorkflowId = '${handle.workflowId}'`;
  for await (const { runId, startTime } of env.client.workflow.list({ query }))
    found.push({ runId, at: startTime });
  return found.sort((a, b) => a.at.getTime() - b.at.getTime()).map(({ runId }) => runId);
}
const runs = (begun: Begun, count: number) =>
  eventually(
    () => runsOf(begun),
    (found) => found.length >= count,
    { seconds: 40, every: 100 },
  );
/** The server will suggest it with the next workflow task of this run. */
const isFull = async ({ handle }: Begun) => (await handle.describe()).historyLength >= EVENTS;

test('the query answers the same before and after, and the outcome tells of the steps of both', async () => {
  let enough = false;
  const begun = await start(async ({ campaignId }) =>
    enough || calls.get(campaignId)!.length < 2 ? looking(20) : TOO_FEW,
  );
  const [first, next] = await runs(begun, 2);
  const of = (runId?: string) => state(env.client.workflow.getHandle(begun.handle.workflowId, runId));
  const before = await of(first);
  expect(before).toMatchObject({ phase: 'watching', step: { number: 2 }, figures: TOO_FEW.figures });
  expect(await of(next)).toEqual(before);
  enough = true;
  const outcome = await result(begun);
  expect(outcome).toMatchObject({
    ...{ status: 'deployed', gates: [{ gate: 'quality' }], figures: looking(20).figures },
    message: expect.stringMatching(/it serves \(shadow 100 %: errors ok; canary 25 %: errors ok\)/),
  });
  expect((await state(begun.handle)).events.slice(0, before.events.length)).toEqual(before.events);
  // Brought to each share once, however many executions watched it.
  const operation = `cli/${begun.campaignId}`;
  expect(calls.get(begun.campaignId)).toEqual([
    `shadow 100 ${operation}/trial/1`,
    `canary 25 ${operation}/trial/2`,
    `deploy ${operation}/deploy`,
    'end',
  ]);
  await recordHistories(env, (id) => id === begun.handle.workflowId);
});

test.each([
  ['rollbackRollout', 'rolled-back'],
  ['approveRollout', 'deployed'],
] as const)('%s, sent in the look after which it continues, is acted on', async (name, status) => {
  let sent = false;
  const begun = await start(async (rollout) => {
    if (!sent && (await isFull(rollout))) {
      sent = true;
      await rollout.handle.signal(name, { by: 'bob', reason: 'at the last moment' });
    }
    return TOO_FEW;
  });
  expect(await result(begun)).toMatchObject({
    status,
    message: expect.stringContaining('by bob: at the last moment'),
  });
  expect(sent).toBe(true);
  await recordHistories(env, (id) => id === begun.handle.workflowId);
});

test('a first model, which is not tried, waits for its approval over many executions', async () => {
  const nothing = { state: 'gone', message: 'the trial was ended', figures: [], verdicts: [] } as const;
  const begun = await start(async () => nothing, { approval: 'manual' }, 'first');
  await runs(begun, 3);
  expect(await state(begun.handle)).toMatchObject({ phase: 'awaiting-approval', stable: null });
  await begun.handle.signal('approveRollout', { by: 'bob' });
  expect(await result(begun)).toMatchObject({
    status: 'deployed',
    message: expect.stringMatching(/nothing to compare with, so it is not tried; approved by bob/),
  });
  expect(calls.get(begun.campaignId)).toEqual([`deploy cli/${begun.campaignId}/deploy`]);
  await recordHistories(env, (id) => id === begun.handle.workflowId);
});

test('decisions at random moments, as signals and as updates, over rollouts that keep continuing: none is lost', async () => {
  const random = createRandom(17);
  const begun = await Promise.all(
    Array.from({ length: Number(process.env.TITRATE_CONTINUED_ROLLOUTS ?? 8) }, () =>
      start(async () => TOO_FEW),
    ),
  );
  await Promise.all(begun.map((one) => runs(one, 2)));
  const outcomes = await Promise.all(
    begun.map(async (one, i) => {
      const at = Date.now() + 3000 * random.next();
      // Looks go on meanwhile: what is waited for is a moment, not a state.
      await eventually(async () => Date.now() >= at, Boolean, { every: 5 });
      const decision = { by: 'bob', reason: `decision ${i}` };
      if (i % 2) await one.handle.signal('rollbackRollout', decision);
      else await one.handle.executeUpdate('rollbackRollout', { args: [decision] });
      return result(one);
    }),
  );
  expect(outcomes.map(({ status, message }) => `${status}: ${message}`)).toEqual(
    begun.map((_, i) => `rolled-back: rolled back by bob: decision ${i}`),
  );
});
