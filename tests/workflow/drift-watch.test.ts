import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import type {
  CampaignHistory,
  CampaignStatus,
  CurrentBatch,
  DriftOrder,
  DriftWatchOutput,
} from '../../src/contracts';
import { eventually } from '../support/eventually';
import { ScriptedWorld } from './support/scripted-lab';
import { recordHistories } from './support/histories';
import { hostWorld } from './support/hosted-world';

const order = (action: DriftOrder['action'], id = `returned/1/${action}`): DriftOrder => ({
  ...{ id, action, subject: null, sentence: 'Values are off.' },
});

describe('drift of a campaign, on a real server', () => {
  const host = hostWorld(() => new ScriptedWorld());
  let campaigns = 0;

  const start = (changes: Record<string, unknown> = {}): Promise<WorkflowHandle> =>
    host.env.client.workflow.start('activeLearningCampaign', {
      taskQueue: 'orchestration',
      workflowId: `watched-${++campaigns}`,
      args: [
        {
          objective: { property: 'logS', direction: 'maximize' },
          pool: { sources: [{ uri: 'pool.csv' }] },
          acquisition: { batchSize: 12 },
          budget: { rounds: 2 },
          ...changes,
        },
      ],
      workflowTaskTimeout: '5s',
    });
  const until = <T>(probe: () => Promise<T>, enough: (value: T) => boolean) =>
    eventually(probe, enough, { seconds: 60, every: 25 });
  const status = (handle: WorkflowHandle) => handle.query<CampaignStatus>('status');
  const batchOf = (handle: WorkflowHandle, round: number) =>
    until(
      () => handle.query<CurrentBatch>('currentBatch'),
      (batch) => batch.batchId?.endsWith(`/${round}`) ?? false,
    );
  const answer = async (handle: WorkflowHandle, round: number, from = 0, to = Infinity) => {
    const { sheet } = await batchOf(handle, round);
    const results = sheet!.picks.slice(from, to).map(({ moleculeId, rank }) => ({
      ...{ resultId: `r-${moleculeId}`, moleculeId, outcome: 'measured' as const },
      ...{ value: rank / 10, qualifier: '=' as const },
    }));
    await handle.signal('labResults', { results });
  };
  const settled = (id: string) =>
    until(
      async () => host.world.driftSettled.find((each) => each.id === id),
      (each) => each !== undefined,
    );
  const said = async (handle: WorkflowHandle) =>
    (await handle.query<CampaignHistory>('history')).events
      .filter(({ kind }) => kind.startsWith('drift'))
      .map(({ message }) => message);

  test('looks by a schedule and at each batch before it is learnt from, and ends with the campaign', async () => {
    const handle = await start();
    await answer(handle, 1);
    await batchOf(handle, 2);
    expect(host.world.driftLooks).toEqual(['batch 1']);
    await answer(handle, 2);
    await handle.result();
    expect(host.world.driftLooks).toEqual(['batch 1', 'batch 2']);
    const calls = host.world.calls.filter((call) => call.includes('drift'));
    expect(calls).toEqual(['schedule drift watch every 6 hours', 'unschedule drift watch']);
  });

  test('a campaign that switches it off is not looked at', async () => {
    const handle = await start({ drift: { enabled: false } });
    await answer(handle, 1);
    await batchOf(handle, 2);
    expect(host.world.driftLooks).toEqual([]);
    expect(host.world.calls.filter((call) => call.includes('drift'))).toEqual([]);
    await handle.terminate();
  });

  test('a batch in doubt pauses the campaign before it is learnt from; the same order again does nothing', async () => {
    const handle = await start();
    host.world.driftOrders = [order('pause'), order('widen-pool'), order('tell')];
    await answer(handle, 1);
    await settled('returned/1/tell');
    expect(await status(handle)).toMatchObject({ stage: 'paused' });
    expect(host.world.rounds).toHaveLength(1);
    await handle.signal('resume', { by: 'ada' });
    await handle.signal('respondToDrift', { actions: [order('pause')] });
    await batchOf(handle, 2);
    expect(host.world.driftSettled).toMatchObject([
      { id: 'returned/1/pause', state: 'done' },
      { id: 'returned/1/widen-pool', state: 'failed', note: expect.stringContaining('drift.widen.sources') },
      { id: 'returned/1/tell', state: 'done' },
    ]);
    expect((await status(handle)).stage).not.toBe('paused');
    await handle.signal('respondToDrift', { actions: 'all' });
    await until(
      () => said(handle),
      (words) => words.some((each) => each.includes('signal respondToDrift refused: actions')),
    );
    await handle.terminate();
  });

  test('what is to be learnt is learnt while the batch is out, from what is known by then, and rolled out', async () => {
    const handle = await start();
    await answer(handle, 1);
    await answer(handle, 2, 0, 5);
    await until(
      () => status(handle),
      ({ outstanding }) => outstanding === 7,
    );
    const retrain = order('retrain', 'asked/v2/1/retrain');
    await handle.signal('respondToDrift', { actions: [retrain, retrain] });
    await settled(retrain.id);
    const { workflowId } = handle;
    expect(host.world.driftSettled).toEqual([
      {
        ...{ id: retrain.id, state: 'done', model: `${workflowId}/v102` },
        note: `learnt anew from 17 labels: ${workflowId}/v102`,
      },
    ]);
    // The batch is still out, and the rounds are what they were.
    expect(await status(handle)).toMatchObject({ stage: 'awaiting-results', outstanding: 7, round: 2 });
    expect(host.world.rounds.map(({ summary }) => summary.round)).toEqual([1, 2]);
    await until(
      async () => host.world.calls,
      (calls) => calls.includes(`deploy ${workflowId}/v102`),
    );
    // Nothing new since: it says so, and the next rung is for the policy to take.
    await handle.signal('respondToDrift', { actions: [order('retrain', 'asked/v2/2/retrain')] });
    expect(await settled('asked/v2/2/retrain')).toMatchObject({
      ...{ state: 'failed', note: expect.stringContaining('there is nothing new to learn') },
    });
    await answer(handle, 2, 5);
    await handle.result();
    await recordHistories(host.env, (id) => id === workflowId || id.startsWith(`${workflowId}/drift`));
  });

  test('controls go with the batch, a version goes back and is held, the pool is widened, and the round searches its settings anew', async () => {
    const handle = await start({ drift: { widen: { sources: [{ uri: 'wider.csv' }] } } });
    const actions = ['control-plate', 'roll-back', 'widen-pool', 're-explore'] as const;
    host.world.driftOrders = actions.map((action) => order(action));
    host.world.widened = 40;
    await answer(handle, 1);
    await settled('returned/1/re-explore');
    const { workflowId } = handle;
    const outcomes = host.world.driftSettled.map(({ id, state }) => [id.split('/')[2], state]);
    expect(outcomes).toEqual(actions.map((action) => [action, 'done']));
    expect(host.world.driftSettled.slice(2).map(({ note }) => note)).toEqual([
      '40 molecules were taken in: the next round chooses from 140',
      `round 2 learnt anew: ${workflowId}/v2`,
    ]);
    const batch = await batchOf(handle, 2);
    expect(batch.controls).toMatchObject({ action: 'returned/1/control-plate', why: 'Values are off.' });
    expect(batch.controls!.molecules).toHaveLength(1);
    expect(await status(handle)).toMatchObject({
      heldModel: `${workflowId}/v2`,
      poolSize: 140,
      dataBranch: 1,
    });
    expect(host.world.calls).toContain(`rollbackModel ${workflowId}/v2 by titrate (drift): Values are off.`);
    expect(host.world.explorations.at(-1)).toMatchObject({ trialsPerFamily: 6, maxRows: 5000 });
    await handle.terminate();
  });

  test('a person decides', async () => {
    const handle = await start();
    await batchOf(handle, 1);
    const decide = (id: string, decision: string, by = 'ada') =>
      handle.executeUpdate('decideDrift', { args: [{ id, decision, by }] });
    await expect(decide('unknown', 'approve')).rejects.toThrow(WorkflowUpdateFailedError);
    await expect(decide('returned/1/pause', 'perhaps')).rejects.toThrow(WorkflowUpdateFailedError);
    await expect(decide('returned/1/pause', 'dismiss')).resolves.toEqual({
      ...{ id: 'returned/1/pause', decision: 'dismiss' },
    });
    expect(host.world.driftSettled).toEqual([]);
    await decide('returned/1/pause', 'approve');
    await until(
      () => status(handle),
      ({ stage }) => stage === 'paused',
    );
    await handle.terminate();
  });

  test('orders to a campaign that is gone are written down as failed', async () => {
    host.world.driftOrders = [order('pause')];
    const output = await host.env.client.workflow.execute<(input: object) => Promise<DriftWatchOutput>>(
      'driftWatch',
      {
        ...{ taskQueue: 'orchestration', workflowId: 'gone/drift/asked' },
        args: [{ campaignId: 'gone', occasion: 'asked' }],
      },
    );
    expect(output).toEqual({ looks: [], asked: ['returned/1/pause'], nothing: null });
    expect(host.world.driftSettled).toMatchObject([{ state: 'failed', note: 'the campaign is not running' }]);
  });
});
