import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  QUERIES,
  UPDATES,
  WORKFLOWS,
  type CampaignConfigInput,
  type CampaignHistory,
  type CampaignOutcome,
  type CampaignStatus,
  type CurrentBatch,
  type Receipt,
} from '../../src/contracts';
import type { SmokeVerdict } from './deliver-version';

/** Workflow ids of every smoke campaign begin with it. */
export const SMOKE_PREFIX = 'smoke-';
const ROUNDS = 2;
const BATCH = 8;
const LOOK_EVERY_MS = 300;
const CALL_MS = 15_000;
/** An activity that has been tried so often fails by itself, not by chance. */
const HOPELESS_ATTEMPTS = 4;
/** Aqueous solubilities span 13 log units; a model that is further off than this has learned nothing. */
const MAX_RMSE = 4;

/** Known values: what the smoke campaign's laboratory measures. */
export interface SmokePool {
  /** A CSV with the columns id, smiles, logS, where the workers can read it. */
  readonly uri: string;
  readonly values: ReadonlyMap<string, number>;
}

/** Reads the columns id and logS. */
export function readSmokeValues(csv: string): Map<string, number> {
  const [header, ...rows] = csv
    .split(/\r?\n/)
    .filter(Boolean)
    .map((line) => line.split(','));
  const id = header!.indexOf('id');
  const value = header!.indexOf('logS');
  return new Map(rows.map((row) => [row[id]!, Number(row[value])]));
}

/** Everything a campaign does, small: ingest, features, exploring, two trainings, two batches, a report. Nothing is rolled out. */
export const smokeConfig = (uri: string): CampaignConfigInput => ({
  title: 'smoke campaign of a delivery',
  seed: 3,
  objective: { property: 'logS', direction: 'maximize', unit: 'log(mol/L)' },
  pool: { sources: [{ uri, format: 'csv', smilesColumn: 'smiles', compoundIdColumn: 'id' }] },
  featurizers: [{ kind: 'morgan', radius: 2, bits: 512 }],
  exploration: { maxRows: 16, folds: 2, trialsPerFamily: 1, epochs: 2 },
  training: { members: 2, epochs: 2, folds: 2 },
  acquisition: { batchSize: BATCH },
  budget: { rounds: ROUNDS },
  rollout: { enabled: false },
});

export interface SmokeOptions {
  readonly client: Client;
  readonly campaignId: string;
  readonly pool: SmokePool;
  /** Version that everything of it must run on; left out, it goes where the server sends it. */
  readonly version?: { readonly deploymentName: string; readonly buildId: string };
  readonly withinSeconds: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs a campaign whose laboratory answers at once, and judges what came of it. One that does not pass is terminated.
 * @returns never throws for what the campaign does
 */
export async function runSmokeCampaign(options: SmokeOptions): Promise<SmokeVerdict> {
  const { client, campaignId, pool, version } = options;
  const handle = client.workflow.getHandle(campaignId);
  try {
    await client.workflow.start(WORKFLOWS.campaign, {
      taskQueue: 'orchestration',
      workflowId: campaignId,
      args: [smokeConfig(pool.uri)],
      staticSummary: `smoke campaign${version ? ` on ${version.buildId}` : ''}`,
      ...(version && { versioningOverride: { pinnedTo: version } }),
    });
    await play(handle, options);
    return await judge(handle, options);
  } catch (error) {
    await handle.terminate('the smoke campaign did not pass').catch(() => {});
    for await (const { workflowId } of running(client, campaignId))
      await client.workflow
        .getHandle(workflowId)
        .terminate('its smoke campaign did not pass')
        .catch(() => {});
    return { passed: false, message: wordsOf(error) };
  }
}

/** The client and the server wrap what an activity said: that, where there is one; else all that was said, each thing once. */
function wordsOf(error: unknown): string {
  const said: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof ApplicationFailure) return at.message;
    if (!said.includes(at.message)) said.push(at.message);
  }
  return said.join(': ');
}

const running = (client: Client, campaignId: string) =>
  client.workflow.list({ query: `WorkflowId STARTS_WITH '${campaignId}/' AND ExecutionStatus = 'Running'` });

/** Answers each batch until the campaign has ended. @throws Error saying what keeps it from ending */
async function play(handle: WorkflowHandle, options: SmokeOptions): Promise<void> {
  const { client, pool, withinSeconds, signal } = options;
  const soon = <T>(call: () => Promise<T>) => client.connection.withDeadline(Date.now() + CALL_MS, call);
  const deadline = performance.now() + withinSeconds * 1000;
  let answered: string | null = null;
  let stage = 'has not begun';
  for (;;) {
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') return;
    const trouble = await troubleOf(client, handle.workflowId);
    if (trouble) throw new Error(trouble);
    if (signal?.aborted) throw new Error('it was stopped');
    if (performance.now() > deadline) throw new Error(`not ended after ${withinSeconds} s; it ${stage}`);
    try {
      const now = await soon(() => handle.query<CampaignStatus>(QUERIES.status));
      stage = `was ${now.stage} in round ${now.round}`;
      if (now.stage === 'paused') throw new Paused(`the campaign paused itself: ${now.message}`);
      const batch = await soon(() => handle.query<CurrentBatch>(QUERIES.currentBatch));
      if (batch.sheet && batch.batchId !== answered && batch.approved) {
        await submit(handle, batch.sheet.picks, batch.batchId!, pool.values);
        answered = batch.batchId;
      }
    } catch (error) {
      // A query fails while no worker answers, and when the campaign has just ended.
      if (error instanceof Paused) throw error;
      stage = `did not answer: ${(error as Error).message}`;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** What is not mended by waiting. */
class Paused extends Error {}

async function submit(
  handle: WorkflowHandle,
  picks: readonly { readonly moleculeId: string; readonly compoundId?: string }[],
  batchId: string,
  values: ReadonlyMap<string, number>,
): Promise<void> {
  const results = picks.map(({ moleculeId, compoundId }) => ({
    resultId: `${batchId}/${moleculeId}`,
    batchId,
    moleculeId,
    outcome: 'measured' as const,
    value: values.get(compoundId ?? ''),
    unit: 'log(mol/L)',
  }));
  const strange = picks.find(({ compoundId }) => !values.has(compoundId ?? ''));
  if (strange)
    throw new Paused(`picked '${strange.compoundId ?? strange.moleculeId}', which is not in its pool`);
  const { receipts } = await handle.executeUpdate<{ receipts: Receipt[] }, [object]>(UPDATES.submitResults, {
    args: [{ results }],
  });
  const refused = receipts.find(({ status }) => status === 'rejected');
  if (refused) throw new Paused(`a result was refused: ${refused.message ?? refused.resultId}`);
}

/** An activity of the campaign or of its children that fails again and again. */
async function troubleOf(client: Client, campaignId: string): Promise<string | null> {
  const ids = [campaignId];
  for await (const { workflowId } of running(client, campaignId)) ids.push(workflowId);
  for (const id of ids) {
    const { raw } = await client.workflow.getHandle(id).describe();
    for (const activity of raw.pendingActivities ?? []) {
      if ((activity.attempt ?? 0) < HOPELESS_ATTEMPTS || !activity.lastFailure) continue;
      return `${activity.activityType?.name} failed ${activity.attempt! - 1} times: ${activity.lastFailure.message}`;
    }
  }
  return null;
}

/** @throws Error naming the first number that is not sane */
async function judge(handle: WorkflowHandle, { client, pool, version }: SmokeOptions): Promise<SmokeVerdict> {
  const outcome = (await handle.result()) as CampaignOutcome;
  const { rounds } = await client.connection.withDeadline(Date.now() + CALL_MS, () =>
    handle.query<CampaignHistory>(QUERIES.history),
  );
  const expect = (what: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) throw new Error(`${what} is ${String(found)}, expected ${String(wanted)}`);
  };
  expect('the reason it stopped', outcome.stopReason, 'budget');
  expect('the number of rounds', outcome.rounds, ROUNDS);
  expect('the number of labels', outcome.labelled, ROUNDS * BATCH);
  expect('the pool', outcome.poolSize, pool.values.size);
  if (outcome.best === null || ![...pool.values.values()].includes(outcome.best))
    throw new Error(`the best value, ${outcome.best}, is none that was measured`);
  if (!outcome.modelVersion) throw new Error('no model was registered');
  if (!outcome.report) throw new Error('no report was written');
  const last = rounds.filter(({ metrics }) => metrics).at(-1)?.metrics;
  if (!last || !(last.rmse > 0 && last.rmse < MAX_RMSE))
    throw new Error(
      `the held-out error is ${last?.rmse ?? 'not there'}, expected 0 to ${MAX_RMSE} log(mol/L)`,
    );
  if (version) await requireVersion(client, handle.workflowId, version);
  return {
    passed: true,
    message: `${outcome.rounds} rounds, ${outcome.labelled} of ${outcome.poolSize} measured, best ${outcome.best}, held-out error ${last.rmse.toFixed(2)}, ${outcome.modelVersion}`,
  };
}

/** Every workflow of the campaign must have run on the version that is judged: another one's success says nothing about it. */
async function requireVersion(
  client: Client,
  campaignId: string,
  { buildId }: NonNullable<SmokeOptions['version']>,
): Promise<void> {
  const query = `WorkflowId = '${campaignId}' OR WorkflowId STARTS_WITH '${campaignId}/'`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    const ran = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
    if (ran !== buildId)
      throw new Error(`${workflowId} ran on ${ran || 'workers without a version'}, not on ${buildId}`);
  }
}
