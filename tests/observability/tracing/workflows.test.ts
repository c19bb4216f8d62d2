import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, type WorkflowClientInterceptor } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { roundSpanId, roundTraceId, UPDATES, type CurrentBatch } from '../../../src/contracts';
import {
  startTracing,
  tracingActivityInterceptor,
  tracingClientInterceptor,
  type Tracing,
} from '../../../src/observability/tracing';
import { readTrace, type StoredSpan } from '../../../src/observability/tracing/read-spans';
import { eventually } from '../../support/eventually';
import { startServer } from '../../support/temporal';
import { ScriptedWorld } from '../../workflow/support/scripted-lab';
import { startWorldWorkers, type WorldWorkers } from '../../workflow/support/world-workers';

const CONFIG = {
  objective: { property: 'logS', direction: 'maximize' },
  pool: { sources: [{ uri: 'pool.csv' }] },
  acquisition: { batchSize: 12 },
  budget: { rounds: 2 },
};

/** The trace of a header's `traceparent`. */
const traceIn = (data: Uint8Array) => (JSON.parse(Buffer.from(data).toString()) as string).split('-')[1]!;

/** The campaign's own workflows on a real server; what the activities do is scripted. */
describe('traces of workflows', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-traced-'));
  let env: TestWorkflowEnvironment;
  let workers: WorldWorkers;
  let tracing: Tracing;
  let client: Client;
  let world = new ScriptedWorld();

  beforeAll(async () => {
    tracing = startTracing({ service: 'titrate-test', directory, share: 1, requests: 0 })!;
    env = await startServer();
    const interceptors = { activity: [tracingActivityInterceptor] };
    workers = await startWorldWorkers(env, () => world, new ScriptedWorld(), interceptors, tracing);
    client = new Client({
      connection: env.connection,
      namespace: env.namespace,
      interceptors: { workflow: [tracingClientInterceptor] },
    });
  });
  afterAll(async () => {
    await workers?.stop();
    await env?.teardown();
    await tracing.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const start = (workflowId: string, config: object = CONFIG) =>
    client.workflow.start('activeLearningCampaign', {
      taskQueue: 'orchestration',
      workflowId,
      args: [config],
    });
  const traceOf = async (traceId: string) => {
    await tracing.queue.forceFlush();
    return readTrace(directory, traceId);
  };
  const until = (traceId: string, enough: (spans: StoredSpan[]) => boolean) =>
    eventually(() => traceOf(traceId), enough, { seconds: 30 });
  const named = (spans: readonly StoredSpan[], name: string) => {
    const found = spans.filter((span) => span.name === name);
    expect({ name, found: found.length }).toEqual({ name, found: 1 });
    return found[0]!;
  };

  test('a round is a trace, from whoever began it to the results, over executions that continue as new', async () => {
    world = new ScriptedWorld();
    const handle = await start('traced-1');
    const batch = await eventually(
      () => handle.query<CurrentBatch>('currentBatch'),
      ({ batchId }) => batchId === 'traced-1/batch/1',
    );
    const results = batch.sheet!.picks.map(({ moleculeId, rank }) => ({
      ...{ resultId: `r-${moleculeId}`, moleculeId, outcome: 'measured', value: rank / 10, qualifier: '=' },
    }));
    await handle.executeUpdate(UPDATES.submitResults, { args: [{ results }] });
    const first = await until(roundTraceId('traced-1', 1), (spans) =>
      spans.some(({ name }) => name === 'lab'),
    );

    const round = named(first, 'round');
    expect(round).toMatchObject({
      spanId: roundSpanId('traced-1', 1, 'round'),
      parentSpanId: null,
      failure: null,
    });
    // The start, which is the beginning of a trace of its own.
    const [began] = await traceOf(round.links[0]!.traceId);
    expect(began).toMatchObject({
      ...{ name: 'start activeLearningCampaign', kind: 'producer', spanId: round.links[0]!.spanId },
      attributes: { 'temporal.workflow_id': 'traced-1' },
    });
    // The wait goes from the batch to its results, although another execution ended it than began it.
    const lab = named(first, 'lab');
    expect(lab).toMatchObject({ parentSpanId: round.spanId, startMs: round.endMs });
    const recorded = named(first, 'recordResults');
    expect(recorded.parentSpanId).toBe(lab.spanId);
    expect(recorded.endMs).toBeLessThanOrEqual(lab.endMs + 5);
    expect(named(first, 'closeCut').parentSpanId).toBe(round.spanId);
    expect(named(first, 'learningCycle').parentSpanId).toBe(round.spanId);

    const second = await until(roundTraceId('traced-1', 2), (spans) =>
      spans.some(({ name }) => name === 'rollout'),
    );
    expect(named(second, 'round').links).toEqual([{ traceId: round.traceId, spanId: round.spanId }]);
    expect(named(second, 'training').attributes).toMatchObject({
      'temporal.task_queue': 'orchestration',
      'titrate.campaign': 'traced-1',
      'titrate.round': 2,
    });
    expect(named(second, 'trainModel').attributes['titrate.stage']).toBe('training');
    expect(named(second, 'rollout').attributes['titrate.beside']).toBe(true);
    await handle.terminate();
  }, 60_000);

  test('what a caller sends is handled under its span, and linked to the round', async () => {
    world = new ScriptedWorld();
    const handle = await start('traced-2');
    await eventually(
      () => handle.query<CurrentBatch>('currentBatch'),
      ({ batchId }) => batchId === 'traced-2/batch/1',
    );
    let traceId = '';
    const listening: WorkflowClientInterceptor = {
      startUpdate(input, next) {
        traceId = traceIn(input.headers.traceparent!.data!);
        return next(input);
      },
    };
    const { connection, namespace } = env;
    const asking = new Client({
      ...{ connection, namespace },
      interceptors: { workflow: [tracingClientInterceptor, listening] },
    });
    await asking.workflow.getHandle('traced-2').executeUpdate(UPDATES.submitResults, {
      args: [{ results: [{ resultId: 'x', smiles: 'C', outcome: 'measured', value: 1 }] }],
    });
    const spans = await until(traceId, (all) => all.length >= 2);
    const [asked, handled] = spans as [StoredSpan, StoredSpan];
    expect(asked).toMatchObject({ name: 'update submitResults', kind: 'producer', parentSpanId: null });
    expect(handled).toMatchObject({
      ...{ name: 'update submitResults', kind: 'internal', parentSpanId: asked.spanId },
      links: [{ traceId: roundTraceId('traced-2', 1), spanId: roundSpanId('traced-2', 1, 'lab') }],
    });
    await handle.terminate();
  }, 60_000);

  test('one that fails says why, in the trace of whoever started it', async () => {
    const handle = await start('traced-3', { objective: {} });
    await expect(handle.result()).rejects.toThrow();
    const { raw } = await handle.describe();
    const [event] = (await handle.fetchHistory()).events!;
    expect(raw.workflowExecutionInfo?.status).toBe(3);
    const { data } = event!.workflowExecutionStartedEventAttributes!.header!.fields!.traceparent!;
    const spans = await until(traceIn(data!), (all) => all.length >= 2);
    expect(spans.map(({ name, failure }) => [name, failure?.slice(0, 22) ?? null])).toEqual([
      ['start activeLearningCampaign', null],
      ['activeLearningCampaign', expect.stringContaining('campaign configuration'.slice(0, 22))],
    ]);
  }, 60_000);
});
