import { WorkflowFailedError, WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  modelUploadsId,
  type CampaignHistory,
  type CampaignOutcome,
  type CampaignStatus,
  type CurrentBatch,
  type ModelMoved,
} from '../../src/contracts';
import { eventually } from '../support/eventually';
import { ScriptedWorld } from './support/scripted-lab';
import { recordHistories } from './support/histories';
import { hostWorld } from './support/hosted-world';

const config = (changes: Record<string, unknown> = {}) => ({
  objective: { property: 'logS', direction: 'maximize' },
  pool: { sources: [{ uri: 'pool.csv' }] },
  acquisition: { batchSize: 12 },
  budget: { rounds: 2 },
  ...changes,
});

describe('a campaign on a real server', () => {
  const host = hostWorld(() => new ScriptedWorld());
  let campaigns = 0;

  const start = (input: unknown = config()): Promise<WorkflowHandle> =>
    host.env.client.workflow.start('activeLearningCampaign', {
      taskQueue: 'orchestration',
      workflowId: `campaign-${++campaigns}`,
      args: [input],
      workflowTaskTimeout: '5s',
    });
  const status = (handle: WorkflowHandle) => handle.query<CampaignStatus>('status');
  const history = (handle: WorkflowHandle) => handle.query<CampaignHistory>('history');

  const until = <T>(probe: () => Promise<T>, enough: (value: T) => boolean) =>
    eventually(probe, enough, { seconds: 60, every: 25 });

  const openBatch = (handle: WorkflowHandle, round: number) =>
    until(
      () => handle.query<CurrentBatch>('currentBatch'),
      (batch) => batch.batchId?.endsWith(`/${round}`) ?? false,
    );
  const measured = (batch: CurrentBatch, from = 0, to = Infinity) =>
    batch.sheet!.picks.slice(from, to).map((pick) => ({
      resultId: `r-${pick.moleculeId}`,
      moleculeId: pick.moleculeId,
      outcome: 'measured' as const,
      value: pick.rank / 10,
      qualifier: '=' as const,
    }));
  const answer = async (handle: WorkflowHandle, round: number) => {
    const batch = await openBatch(handle, round);
    await handle.signal('labResults', { results: measured(batch) });
  };

  test('runs its rounds, trains once there are labels, closes with a last training, and ends with a report', async () => {
    const handle = await start();
    await answer(handle, 1);
    await answer(handle, 2);
    const outcome = (await handle.result()) as CampaignOutcome;
    expect(outcome).toMatchObject({
      stopReason: 'budget',
      rounds: 2,
      labelled: 24,
      poolSize: 100,
      best: 1.2,
      modelVersion: `${outcome.campaignId}/v3`,
    });
    expect(outcome.report).not.toBeNull();
    expect(
      host.world.rounds.map((record) => [
        record.summary.round,
        record.summary.batchSize,
        record.model?.number ?? null,
      ]),
    ).toEqual([
      [1, 12, null],
      [2, 12, 2],
      [3, 0, 3],
    ]);
    // Every trial of every rung is on record, and the winner is the one with the lowest error.
    expect(host.world.rounds[1]!.exploration!.chosen.trialId).toBe('trial-2');
    // Models are uploaded beside it, although nobody answers where its rounds are tracked to.
    const uploads = host.env.client.workflow.getHandle(modelUploadsId(handle.workflowId));
    await until(
      async () => host.world.uploaded.length,
      (uploaded) => uploaded === 2,
    );
    expect(host.world.uploaded).toEqual([2, 3].map((version) => `${handle.workflowId}/v${version}`));
    expect(await uploads.result()).toMatchObject({ notUploaded: null });
    const { workflowId } = handle;
    await recordHistories(host.env, (id) => id === workflowId || id.startsWith(`${workflowId}/`));
    expect(host.world.calls).toEqual(
      expect.arrayContaining(['deployment 2 deployed', 'deployment 3 deployed', 'close budget']),
    );
    // Its rounds were tracked, and nothing came of it: nobody answers where these campaigns track to.
    expect(host.world.calls).toContain(`spool ${handle.workflowId}`);
  });

  test('trials and evaluations hold out what the configuration says', async () => {
    const handle = await start(
      config({ exploration: { split: 'scaffold' }, training: { split: 'time' }, budget: { rounds: 1 } }),
    );
    await answer(handle, 1);
    await handle.result();
    expect([...host.world.splits].sort()).toEqual([
      'evaluation by time, from test:dates',
      'trial by scaffold, from test:scaffolds',
    ]);
    const { exploration, evaluation } = host.world.rounds[1]!;
    expect(exploration!.split).toEqual({
      kind: 'scaffold',
      notes: ['trial by scaffold, from test:scaffolds'],
    });
    expect(evaluation!.split!.kind).toBe('time');
  });

  test('counts a result posted twice once, and keeps a bad row apart from the good ones of its message', async () => {
    const handle = await start();
    const batch = await openBatch(handle, 1);
    const rows = measured(batch, 0, 3);
    const answer = { receipts: expect.arrayContaining([expect.objectContaining({ status: 'accepted' })]) };
    expect(
      await handle.executeUpdate('submitResults', { args: [{ results: [...rows, { resultId: 'bad' }] }] }),
    ).toMatchObject(answer);
    await handle.signal('labResults', { results: rows });
    const seen = await until(
      () => status(handle),
      (s) => s.intake.received === 7,
    );
    expect(seen.intake).toEqual({ received: 7, accepted: 3, duplicates: 3, rejected: 1 });
    expect(seen.outstanding).toBe(9);
    expect((await history(handle)).events.map((event) => event.message)).toContain('bad: names no molecule');
    await handle.terminate();
  });

  test('keeps posted results that cannot be recorded, pauses with the reason, and takes them in when resumed', async () => {
    const handle = await start();
    const batch = await openBatch(handle, 1);
    host.world.recordingFailures.push(ApplicationFailure.nonRetryable('the disk is full', 'internal'));
    await handle.signal('labResults', { results: measured(batch) });
    const paused = await until(
      () => status(handle),
      (s) => s.stage === 'paused',
    );
    expect(paused.message).toMatch(/could not be recorded: the disk is full/);
    expect(paused.intake.received).toBe(0);
    await handle.signal('resume');
    await openBatch(handle, 2);
    expect(host.world.cuts.get('2')!.labels).toBe(12);
    await handle.terminate();
  });

  test('refuses a message of the wrong shape: an update at once, a signal in the history', async () => {
    const handle = await start();
    await openBatch(handle, 1);
    await expect(handle.executeUpdate('submitResults', { args: [{ rows: [] }] })).rejects.toThrow(
      WorkflowUpdateFailedError,
    );
    await handle.signal('labResults', 'nonsense');
    await handle.signal('labResults', { ref: 'no-such-file.json' });
    const { events } = await until(
      () => history(handle),
      (h) => h.events.filter((event) => event.kind === 'results-refused').length === 2,
    );
    expect(events.map((event) => event.message).join('\n')).toMatch(
      /signal labResults refused: expected \{ results.*no-such-file\.json/s,
    );
    await handle.terminate();
  });

  test('starts the next round with what is back once the time for a batch is over, and counts what comes late', async () => {
    const handle = await start(config({ lab: { closeAfter: '2 seconds' } }));
    const batch = await openBatch(handle, 1);
    await handle.signal('labResults', { results: measured(batch, 0, 10) });
    await until(
      () => status(handle),
      (s) => s.outstanding === 2,
    );
    await openBatch(handle, 2);
    expect(host.world.cuts.get('2')!.labels).toBe(10);
    await handle.signal('labResults', { results: measured(batch, 10) });
    await answer(handle, 2);
    await handle.result();
    expect(host.world.cuts.get('3')!.labels).toBe(24);
  });

  test('waits for approval when a person is to approve, and only for the batch that person has read', async () => {
    const handle = await start(config({ lab: { approval: 'manual' } }));
    await until(
      () => status(handle),
      (s) => s.stage === 'awaiting-approval',
    );
    await expect(handle.executeUpdate('approveBatch', { args: [{ batchId: 'another' }] })).rejects.toThrow(
      WorkflowUpdateFailedError,
    );
    expect((await handle.query<CurrentBatch>('currentBatch')).approved).toBe(false);
    await handle.executeUpdate('approveBatch', { args: [{ by: 'Ada', reason: 'makeable' }] });
    const seen = await until(
      () => status(handle),
      (s) => s.stage === 'awaiting-results',
    );
    expect(seen.round).toBe(1);
    expect((await history(handle)).events.map((event) => event.message).join()).toContain(
      'approved by Ada: makeable',
    );
    await handle.terminate();
  });

  test('takes results while paused, and starts the next round only when resumed', async () => {
    const handle = await start();
    await openBatch(handle, 1);
    await handle.signal('pause', { by: 'Ada' });
    await answer(handle, 1);
    const paused = await until(
      () => status(handle),
      (s) => s.outstanding === 0,
    );
    expect(paused).toMatchObject({ stage: 'paused', round: 1 });
    expect(host.world.cuts.has('2')).toBe(false);
    await handle.signal('resume');
    await openBatch(handle, 2);
    await handle.terminate();
  });

  test('a round that fails for good pauses the campaign with the reason, and resume tries it again', async () => {
    const handle = await start();
    host.world.trainingFailures.push(
      ApplicationFailure.nonRetryable('the kernel matrix is not positive definite', 'numerical'),
    );
    await answer(handle, 1);
    const paused = await until(
      () => status(handle),
      (s) => s.stage === 'paused',
    );
    expect(paused.message).toMatch(/round 2 failed: the kernel matrix is not positive definite/);
    await handle.signal('resume');
    await openBatch(handle, 2);
    await handle.terminate();
  });

  test('stop ends it after a last training on everything that came back', async () => {
    const handle = await start(config({ budget: { rounds: 10 } }));
    await answer(handle, 1);
    const batch = await openBatch(handle, 2);
    await handle.executeUpdate('submitResults', { args: [{ results: measured(batch, 0, 5) }] });
    await handle.signal('stop', { by: 'Ada', reason: 'found one' });
    const outcome = (await handle.result()) as CampaignOutcome;
    expect(outcome).toMatchObject({ stopReason: 'stopped', labelled: 17, rounds: 2 });
  });

  test('ends at the target, at a plateau, when the budget of measurements is used up, and when the pool is', async () => {
    const target = await start(
      config({ objective: { property: 'logS', direction: 'maximize', target: 1.2 }, budget: { rounds: 9 } }),
    );
    await answer(target, 1);
    expect(await target.result()).toMatchObject({ stopReason: 'target', rounds: 1 });

    host.world = new ScriptedWorld();
    const plateau = await start(config({ stopping: { plateauRounds: 1 }, budget: { rounds: 9 } }));
    await answer(plateau, 1);
    await answer(plateau, 2);
    expect(await plateau.result()).toMatchObject({ stopReason: 'plateau', rounds: 2 });

    host.world = new ScriptedWorld();
    const measurements = await start(config({ budget: { rounds: 9, measurements: 17 } }));
    await answer(measurements, 1);
    expect((await openBatch(measurements, 2)).sheet!.picks).toHaveLength(5);
    await answer(measurements, 2);
    expect(await measurements.result()).toMatchObject({ stopReason: 'budget', labelled: 17 });

    host.world = new ScriptedWorld();
    host.world.poolSize = 0;
    const empty = await start();
    expect(await empty.result()).toMatchObject({ stopReason: 'pool-exhausted', rounds: 0 });
  });

  test('designs the first batch on features of the pool, and tells what chose each batch and why', async () => {
    const handle = await start(config({ featurizers: [{ kind: 'graph' }, { kind: 'maccs' }] }));
    await openBatch(handle, 1);
    expect(host.world.calls.filter((call) => call.startsWith('featurise'))).toEqual(['featurise maccs']);
    await answer(handle, 1);
    await answer(handle, 2);
    await handle.result();
    expect(host.world.rounds.map(({ summary }) => summary.chosenBy ?? null)).toEqual([
      { strategy: 'design', why: 'round 1, 1 left, RMSE unknown' },
      { strategy: 'log-ei', why: 'round 2, 0 left, RMSE 0.5' },
      null,
    ]);
    const { events } = await history(handle);
    expect(events.map(({ message }) => message).join('\n')).toContain(
      '12 molecules by log-ei (round 2, 0 left, RMSE 0.5)',
    );

    host.world = new ScriptedWorld();
    const byChance = await start(config({ acquisition: { batchSize: 12, first: 'random' } }));
    await openBatch(byChance, 1);
    expect(host.world.calls.filter((call) => call.startsWith('featurise'))).toEqual([]);
    await byChance.terminate();
  });

  test('ends without handing out the batch once the model is confident that nothing better is left', async () => {
    const stopping = { plateau: { rounds: 1, confidence: 0.9, margin: 0.25 } };
    const handle = await start(config({ stopping, budget: { rounds: 9 } }));
    await answer(handle, 1);
    host.world.chance = 0.04;
    await answer(handle, 2);
    const outcome = (await handle.result()) as CampaignOutcome;
    const why =
      'nothing better than 1.2 came in 1 round, and the model gives 4 % to any of the 76 molecules left being better than 1.2 ' +
      'by more than 0.25; the campaign ends below 10 %';
    expect(outcome).toMatchObject({ stopReason: 'plateau', stopWhy: why, rounds: 2, labelled: 24 });
    // The third round trained on all there was: no further one is needed to close.
    expect(host.world.rounds).toHaveLength(3);
    expect(host.world.rounds[2]!.summary).toMatchObject({ batchId: null, prospects: { chance: 0.04 } });
    expect([...host.world.batches.keys()]).toHaveLength(2);
    expect(host.world.calls).toContain(`because ${why}`);
    expect(await status(handle)).toMatchObject({ stopReason: 'plateau', stopWhy: why });
  });

  test('learns from an earlier round again once its data are rolled back, says who, when and why, and rolls forward', async () => {
    const handle = await start(config({ budget: { rounds: 5 } }));
    await answer(handle, 1);
    await answer(handle, 2);
    await openBatch(handle, 3);
    const back = { to: 'round/2', by: 'ada', reason: 'plate 7 was mislabelled' };
    expect(await handle.executeUpdate('rollbackData', { args: [back] })).toEqual({
      branch: 1,
      to: 'round/2',
      dataVersion: 'data-1',
      results: 12,
    });
    await answer(handle, 3);
    await openBatch(handle, 4);
    const { rounds, events } = await history(handle);
    // Of 36 results the 12 that round 2 knew, and the 12 that came after the rollback.
    expect(rounds.map(({ labels }) => labels)).toEqual([0, 12, 24, 24]);
    expect(events).toContainEqual({
      at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      kind: 'data-moved',
      message: expect.stringContaining('data moved to round/2 by ada: plate 7 was mislabelled') as string,
    });
    expect(await status(handle)).toMatchObject({ dataBranch: 1 });

    await handle.executeUpdate('rollbackData', { args: [{ ...back, to: 'latest', reason: 'it was not' }] });
    await answer(handle, 4);
    await openBatch(handle, 5);
    expect((await history(handle)).rounds.map(({ labels }) => labels)).toEqual([0, 12, 24, 24, 48]);
    await answer(handle, 5);
    expect(await handle.result()).toMatchObject({ labelled: 60 });
  });

  test('refuses to move the data to what is not there, or without a name and a reason', async () => {
    const handle = await start();
    await openBatch(handle, 1);
    const refusal = (args: unknown) =>
      handle
        .executeUpdate('rollbackData', { args: [args] })
        .catch((error: WorkflowUpdateFailedError) => error);
    expect(
      ((await refusal({ to: 'round/9', by: 'a', reason: 'b' })) as WorkflowUpdateFailedError).cause?.message,
    ).toMatch(/there is no 'round\/9'/);
    expect(((await refusal({ to: 'latest' })) as WorkflowUpdateFailedError).cause?.message).toMatch(
      /by: .*reason: /s,
    );
    expect(await status(handle)).toMatchObject({ dataBranch: null, stage: 'awaiting-results' });
    await handle.terminate();
  });

  test('rolls production there, on and back again as three moves; a repeated request moves once, also after the next round', async () => {
    const handle = await start(config({ budget: { rounds: 3 } }));
    await answer(handle, 1);
    await openBatch(handle, 2);
    const roll = (updateId: string, request: object) =>
      handle.executeUpdate<ModelMoved, [object]>('rollbackModel', {
        updateId,
        args: [{ by: 'ada', reason: 'it misleads us', ...request }],
      });
    expect(await roll('1', { to: 'v1' })).toMatchObject({
      from: null,
      to: 'v1',
      move: 1,
      production: { version: 'v1', held: true },
      deployment: { status: 'ready' },
    });
    expect((await status(handle)).heldModel).toBe('v1');
    await roll('2', { to: 'v2' });
    await roll('3', { to: 'v1' });
    await roll('3', { to: 'v1' });
    await answer(handle, 2);
    await openBatch(handle, 3);
    // Another execution of the campaign by now: the server no longer knows the update, the operation does.
    expect(await roll('2', { to: 'v2' })).toMatchObject({ move: 2, production: { version: 'v1' } });
    expect(await status(handle)).toMatchObject({ heldModel: 'v1' });
    expect(await roll('4', { release: true })).toMatchObject({ move: 4, production: { held: false } });
    expect((await status(handle)).heldModel).toBeNull();
    expect(host.world.calls.filter((call) => call.startsWith('rollbackModel'))).toEqual([
      'rollbackModel v1 by ada: it misleads us',
      'rollbackModel v2 by ada: it misleads us',
      'rollbackModel v1 by ada: it misleads us',
      'rollbackModel release by ada: it misleads us',
    ]);
    const told = (await history(handle)).events.filter(({ kind }) => kind.startsWith('model-'));
    expect(told.map(({ kind }) => kind)).toEqual([
      'model-moved',
      'model-moved',
      'model-moved',
      'model-released',
    ]);
    expect(told[1]!.message).toMatch(/from v1 to v2 and held there by ada: it misleads us/);
    expect(told[0]!.at).toMatch(/^\d{4}-.*Z$/);
    await handle.terminate();
  });

  test('refuses at once to roll to nothing, to two things, or without a name and a reason', async () => {
    const handle = await start();
    await openBatch(handle, 1);
    const refusal = async (request: object) => {
      const refused = handle.executeUpdate('rollbackModel', { args: [request] });
      const error = await refused.catch((thrown: WorkflowUpdateFailedError) => thrown);
      return (error as WorkflowUpdateFailedError).cause?.message;
    };
    expect(await refusal({ to: 'v1' })).toMatch(/by: .*reason: /s);
    expect(await refusal({ by: 'ada', reason: 'x' })).toMatch(/either 'to' or 'release: true'/);
    expect(await refusal({ to: 'v1', release: true, by: 'ada', reason: 'x' })).toMatch(/either/);
    expect(await refusal({ to: 'v9', by: 'ada', reason: 'x' })).toMatch(/no model version 'v9'/);
    expect(host.world.calls.filter((call) => call.startsWith('rollbackModel'))).toEqual([]);
    expect((await history(handle)).events.filter(({ kind }) => kind.startsWith('model-'))).toEqual([]);
    await handle.terminate();
  });

  test('a campaign on a dataset that was ingested before reads no source', async () => {
    const handle = await start(config({ pool: { dataset: 'data-7' }, budget: { rounds: 1 } }));
    await answer(handle, 1);
    expect(await handle.result()).toMatchObject({ poolSize: 100, labelled: 12 });
    const failing = await start(config({ pool: { dataset: 'unheard-of' } }));
    await expect(failing.result()).rejects.toMatchObject({
      cause: { message: expect.stringContaining("no dataset 'unheard-of'") as string },
    });
  });

  test('a slow rollout never blocks the round, and a report that cannot be written does not lose the campaign', async () => {
    let release = () => {};
    host.world.rolloutHeld = new Promise((resolve) => (release = resolve));
    host.world.reportFails = true;
    const handle = await start();
    await answer(handle, 1);
    await openBatch(handle, 2);
    expect(host.world.calls.filter((call) => call.startsWith('deployment'))).toEqual([]);
    release();
    await answer(handle, 2);
    const outcome = (await handle.result()) as CampaignOutcome;
    expect(outcome).toMatchObject({ stopReason: 'budget', report: null });
    expect(host.world.calls.filter((call) => call.startsWith('deployment'))).toEqual([
      'deployment 2 deployed',
      'deployment 3 deployed',
    ]);
  });

  test.each([
    [
      'an unknown key',
      config({ acquisition: { batchsize: 3 } }),
      /acquisition: unknown key 'batchsize'; did you mean 'batchSize'\?/,
    ],
    [
      'another campaign id than the workflow id',
      config({ campaignId: 'other' }),
      /campaignId is 'other' but the workflow id is 'campaign-/,
    ],
    ['no objective', { pool: { sources: [{ uri: 'pool.csv' }] } }, /objective/],
    [
      'a missing source',
      config({ pool: { sources: [{ uri: 'missing.csv' }] } }),
      /missing\.csv: there is no such file/,
    ],
  ])('%s ends it at once, with the place and the remedy', async (_, input, message) => {
    const handle = await start(input);
    const error = await handle.result().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause?.message).toMatch(message);
  });
});
