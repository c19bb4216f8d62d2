import type { WorkflowHandle } from '@temporalio/client';
import { PROGRESS_MEMO, TitrateError, type CampaignProgress, type CurrentBatch } from '../../src/contracts';
import { CampaignSeries, createMetrics, SharedCpu, watchCampaigns } from '../../src/observability';
import { createLogger } from '../../src/observability/logging';
import { createCosts } from '../../src/platform/costs';
import { openCampaigns } from '../../src/platform/open-campaigns';
import { activityCounts } from '../../workers/activity-counts';
import { failureInterceptor } from '../../workers/failure-interceptor';
import { observingInterceptor } from '../../workers/observing-interceptor';
import { eventually } from '../support/eventually';
import { ScriptedWorld } from '../workflow/support/scripted-lab';
import { hostWorld } from '../workflow/support/hosted-world';
import { samplesOf, valueOf } from './support/values';

const config = (changes: Record<string, unknown> = {}) => ({
  objective: { property: 'logS', direction: 'maximize' },
  pool: { sources: [{ uri: 'pool.csv' }] },
  acquisition: { batchSize: 12 },
  budget: { rounds: 2 },
  ...changes,
});

/** Everything that a worker process has for its watching, with the lines it writes. */
function watching() {
  const metrics = createMetrics();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('info', 'worker', {
    write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const costs = createCosts(metrics);
  const series = new CampaignSeries(metrics.registry);
  const interceptor = observingInterceptor({
    ...{ metrics, logger, costs, series, cpu: new SharedCpu() },
    counts: activityCounts(metrics, costs),
    accelerated: () => false,
  });
  return { metrics, lines, logger, series, interceptor };
}

describe('what a worker sees of its work, on a real server', () => {
  const { metrics, lines, logger, series, interceptor } = watching();
  const host = hostWorld(() => new ScriptedWorld(), { activity: [interceptor, failureInterceptor] });
  const value = (name: string, labels?: Record<string, string>) => valueOf(metrics.registry, name, labels);

  const start = (workflowId: string, input: unknown): Promise<WorkflowHandle> =>
    host.env.client.workflow.start('activeLearningCampaign', {
      ...{ taskQueue: 'orchestration', workflowId, args: [input], workflowTaskTimeout: '5s' },
    });
  const openBatch = (handle: WorkflowHandle, round: number) =>
    eventually(
      () => handle.query<CurrentBatch>('currentBatch'),
      (batch) => batch.batchId?.endsWith(`/${round}`) ?? false,
      { seconds: 60, every: 25 },
    );
  const answer = async (handle: WorkflowHandle, round: number) => {
    const { sheet } = await openBatch(handle, round);
    const results = sheet!.picks.map(({ moleculeId, rank }) => ({
      ...{ resultId: `r-${moleculeId}`, moleculeId, outcome: 'measured', value: rank / 10 },
      measuredAt: new Date(Date.now() - 60_000).toISOString(),
    }));
    await handle.signal('labResults', { results: [...results, { resultId: 'bad' }] });
  };

  test('a campaign leaves counts, times and lines with its name; a failed attempt is a retry', async () => {
    host.world.trainingFailures.push(new TitrateError('unavailable', { what: 'the disk is full' }));
    const handle = await start('watched-1', config({ rollout: { enabled: true } }));
    await answer(handle, 1);
    await answer(handle, 2);
    await handle.result();
    const campaign = 'watched-1';
    expect(await value('titrate_rounds_total', { campaign })).toBe(3);
    expect(await value('titrate_labels_total', { campaign })).toBe(24);
    expect(await value('titrate_batch_molecules_total', { campaign })).toBe(24);
    expect(await value('titrate_intake_results_total', { campaign, outcome: 'accepted' })).toBe(24);
    expect(await value('titrate_intake_delay_seconds_count')).toBe(24);
    expect(await value('titrate_intake_delay_seconds_sum')).toBeGreaterThan(24 * 60);
    expect(await value('titrate_stage_duration_seconds_count')).toBeGreaterThan(3);
    expect(await value('titrate_model_heldout_rmse', { campaign })).toBeGreaterThan(0);

    const activity = 'trainModel';
    const at = { task_queue: 'gpu', activity };
    const done = await value('titrate_activity_duration_seconds_count', { ...at, outcome: 'ok' });
    expect(done).toBeGreaterThan(0);
    expect(await value('titrate_activity_duration_seconds_count', { ...at, outcome: 'failed' })).toBe(1);
    expect(await value('titrate_activity_attempts_total', at)).toBe(done + 1);
    expect(await value('titrate_activity_retries_total', at)).toBe(1);
    expect(await value('titrate_activities_running')).toBe(0);
    expect(await value('titrate_activity_last_end_timestamp_seconds')).toBeCloseTo(Date.now() / 1000, -2);
    expect(await value('titrate_activity_cpu_seconds_total')).toBeGreaterThan(0);

    const failed = lines.find(
      ({ message, activity: of }) => message === 'activity failed' && of === activity,
    )!;
    expect(failed).toMatchObject({
      ...{ severity: 'WARNING', campaign, activity, attempt: 1, outcome: 'failed', step: 'training' },
      error: expect.stringContaining('the disk is full'),
      workflowId: expect.stringMatching(/^watched-1\/round\/\d/),
      runId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const rounds = lines.filter(
      (line) => line.activity === 'publishBatch' && line.message === 'activity ended',
    );
    expect(rounds.map(({ round }) => round)).toEqual([1, 2]);
    expect(lines.every((line) => line.campaign === campaign)).toBe(true);

    await series.forget(campaign);
    expect(await value('titrate_rounds_total', { campaign })).toBe(0);
    expect(await value('titrate_model_heldout_rmse', { campaign })).toBe(0);
    expect(await value('titrate_activity_attempts_total', at)).toBe(done + 1);
  }, 90_000);

  test('the watcher reads off a list how each open campaign stands, and forgets those that end', async () => {
    const watched = createMetrics();
    const see = (name: string, labels?: Record<string, string>) => valueOf(watched.registry, name, labels);
    const watch = watchCampaigns({
      list: () => openCampaigns(host.env.nativeConnection, host.env.namespace ?? 'default'),
      ...{ metrics: watched, logger },
      everyMs: 3_600_000,
    });
    try {
      const campaign = 'watched-2';
      const lab = { expectedAfter: '3 days', approval: 'manual' };
      const handle = await start(campaign, config({ lab }));
      await openBatch(handle, 1);
      const stageIs = (stage: string) =>
        eventually(
          async () => {
            await watch.look();
            return see('titrate_campaign_info', { campaign, stage });
          },
          (one) => one === 1,
        );
      await stageIs('awaiting-approval');
      expect(await samplesOf(watched.registry, 'titrate_campaign_info')).toHaveLength(1);
      expect(await see('titrate_campaign_round', { campaign })).toBe(1);
      expect(await see('titrate_campaign_batch_outstanding', { campaign })).toBe(12);
      expect(await samplesOf(watched.registry, 'titrate_campaign_batch_due_timestamp_seconds')).toEqual([]);

      const approvedAt = Date.now() / 1000;
      await handle.executeUpdate('approveBatch', { args: [{}] });
      await stageIs('awaiting-results');
      const due = await see('titrate_campaign_batch_due_timestamp_seconds', { campaign });
      expect(due - 3 * 86_400).toBeGreaterThan(approvedAt - 5);
      expect(due - 3 * 86_400).toBeLessThan(Date.now() / 1000 + 5);
      const { memo } = await handle.describe();
      expect((memo![PROGRESS_MEMO] as CampaignProgress).stage).toBe('awaiting-results');

      const before = (await handle.describe()).historyLength;
      await watch.look();
      expect((await handle.describe()).historyLength).toBe(before);

      await handle.signal('pause');
      await stageIs('paused');
      expect(await see('titrate_campaign_paused', { campaign })).toBe(1);
      await handle.signal('resume');
      await answer(handle, 1);
      await openBatch(handle, 2);
      await stageIs('awaiting-approval');
      expect(await see('titrate_campaign_round', { campaign })).toBe(2);
      expect(await see('titrate_campaign_labels', { campaign })).toBe(12);
      expect(await see('titrate_campaign_best_value', { campaign })).toBe(1.2);
      expect(await see('titrate_campaign_round_forecast_seconds', { campaign })).toBeGreaterThan(0);
      expect(await see('titrate_campaigns_open')).toBe(1);

      await handle.terminate();
      await eventually(
        async () => {
          await watch.look();
          return see('titrate_campaigns_open');
        },
        (open) => open === 0,
      );
      for (const { name } of await watched.registry.getMetricsAsJSON())
        if (name.startsWith('titrate_campaign_') && !name.includes('_watch_'))
          expect([name, await samplesOf(watched.registry, name)]).toEqual([name, []]);
    } finally {
      watch.close();
    }
  }, 90_000);

  test('a server that does not answer is told of; what was seen before stays', async () => {
    const watched = createMetrics();
    let fails = false;
    const open = [{ campaign: 'c', stage: 'training', round: 4, best: null, progress: null }];
    const watch = watchCampaigns({
      list: async () => {
        if (fails) throw new Error('14 UNAVAILABLE');
        return open;
      },
      ...{ metrics: watched, logger, everyMs: 3_600_000 },
    });
    await watch.look();
    fails = true;
    await watch.look();
    watch.close();
    expect(await valueOf(watched.registry, 'titrate_campaign_round', { campaign: 'c' })).toBe(4);
    expect(await valueOf(watched.registry, 'titrate_campaign_watch_looks_total', { outcome: 'failed' })).toBe(
      1,
    );
    expect(lines.at(-1)).toMatchObject({ severity: 'WARNING', error: '14 UNAVAILABLE' });
  });
});
