import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { isAlert, ruleGroups } from '../../scripts/monitoring-rules';
import { alertmanagerLacks } from '../support/alertmanager';
import { dashboardQueries } from '../support/dashboards';
import { describeWhere } from '../support/describe-where';
import { eventually } from '../support/eventually';
import { prometheusLacks, promtool } from '../support/prometheus';
import { CAMPAIGN, openWatchedCampaign, type WatchedCampaign } from '../support/watched-campaign';

/** What a healthy installation on one machine has no series of, why, and a series by which promtool shows that the query would find it. */
const ELSEWHERE: Readonly<Record<string, readonly [why: string, series: string]>> = {
  titrate_drift_actions_total: ['something is done only about drift', '{campaign="a", action="retrain"}'],
  titrate_drift_effect_size: [
    'a detector says one once it has enough to compare',
    '{campaign="a", detector="bias"}',
  ],
  'titrate:drift_act_look:timestamp_seconds': ['only of a look that says act', '{campaign="a"}'],
  titrate_cache_bytes: ['objects in files need no local copies', '{cache="objects", instance="a"}'],
  titrate_inference_load_failing: ['only of a model that cannot be loaded', '{model="a", instance="a"}'],
  temporal_workflow_task_execution_failed_total: ['only of code that does not fit', '{workflow_type="a"}'],
};

/** Finite values of a query over the last minutes, one a second. */
async function valuesOf(endpoint: string, query: string): Promise<number> {
  const end = Date.now() / 1000;
  const asked = new URLSearchParams({ query, start: `${end - 300}`, end: `${end}`, step: '1' });
  const answer = (await (await fetch(`${endpoint}/api/v1/query_range?${asked}`)).json()) as {
    status: string;
    error?: string;
    data?: { result: { values: [number, string][] }[] };
  };
  if (answer.status !== 'success') throw new Error(`${query}: ${answer.error}`);
  return answer
    .data!.result.flatMap(({ values }) => values)
    .filter(([, value]) => Number.isFinite(Number(value))).length;
}

/** A real Prometheus on every process of a running campaign, and a real Alertmanager. */
describeWhere(prometheusLacks ?? alertmanagerLacks, 'a campaign that is watched', () => {
  let watched: WatchedCampaign;
  beforeAll(async () => {
    watched = await openWatchedCampaign();
  }, 120_000);
  afterAll(() => watched?.close(), 60_000);

  test('a campaign that is stuck, an overdue batch and a bad canary reach whom they should', async () => {
    const { stack, alerted } = watched;
    const of = (alertname: string) => ({ alertname, campaign: CAMPAIGN });
    // Sources that are not there: a campaign that fails at once.
    await watched.start('doomed', { pool: { sources: [{ uri: 'nowhere.csv' }] } });
    stack.kill('gpu', 'SIGSTOP');
    await watched.start(CAMPAIGN);
    const stuck = await alerted('firing', of('TitrateCampaignStuck'));
    expect(stuck).toMatchObject({ receiver: 'pages', labels: { severity: 'page' } });
    expect(stuck.annotations.description).toMatch(/^watched has been at '\w+' for [\d.]+s/);
    stack.kill('gpu', 'SIGCONT');

    const first = await watched.batch(1);
    const overdue = await alerted('firing', of('TitrateBatchOverdue'));
    expect(overdue).toMatchObject({ receiver: 'tickets', labels: { severity: 'ticket' } });
    expect(overdue.annotations.description).toMatch(/^16 molecules of watched have no result [\d.]+s after/);
    await watched.answer(first);
    await alerted('resolved', of('TitrateCampaignStuck'));

    const second = await watched.batch(2);
    await eventually(
      async () => (await fetch(`${stack.inferenceUrl}/v2/models/${CAMPAIGN}/ready`)).ok,
      (ready) => ready,
    );
    const stop = watched.load();
    await watched.answer(second);
    const failing = await alerted('firing', { alertname: 'TitrateCanaryFailing', model: CAMPAIGN });
    expect(failing).toMatchObject({ receiver: 'tickets', labels: { version: 'v2', severity: 'ticket' } });
    const takenBack = await alerted('firing', of('TitrateRolloutFailed'));
    expect(takenBack.labels.outcome).toBe('rolled-back');
    await stop();
  }, 150_000);

  test('every query of every dashboard, and every recording rule, returns data', async () => {
    const recorded = [...ruleGroups().values()]
      .flat()
      .flatMap(({ name, rules }) =>
        rules.flatMap((rule) =>
          isAlert(rule) ? [] : [{ board: name, panel: rule.record, expr: rule.record }],
        ),
      );
    expect(recorded.length).toBeGreaterThan(20);
    // The watcher has looked at the campaign since its first results, and Prometheus at the watcher.
    await eventually(
      () => valuesOf(watched.prometheus, 'titrate_campaign_best_value'),
      (values) => values > 0,
      { seconds: 30 },
    );
    const empty: string[] = [];
    const elsewhere: { expr: string; series: string }[] = [];
    for (const { board, panel, expr } of [...dashboardQueries('5s'), ...recorded]) {
      if ((await valuesOf(watched.prometheus, expr)) > 0) continue;
      const name = Object.keys(ELSEWHERE).find((one) => expr.includes(one));
      if (name) elsewhere.push({ expr, series: `${name}${ELSEWHERE[name]![1]}` });
      else empty.push(`${board} / ${panel}: ${expr}`);
    }
    expect(empty).toEqual([]);
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'titrate-elsewhere-')), 'tests.yml');
    const tests = elsewhere.map(({ expr, series }) => ({
      ...{ interval: '1s', input_series: [{ series, values: '1+1x20' }] },
      promql_expr_test: [
        {
          ...{ expr: `count(${expr}) > bool 0`, eval_time: '15s' },
          exp_samples: [{ labels: '{}', value: 1 }],
        },
      ],
    }));
    writeFileSync(file, stringify({ evaluation_interval: '1s', tests }));
    const answer = promtool(path.dirname(file), 'test', 'rules', file);
    rmSync(path.dirname(file), { recursive: true });
    expect(answer).toMatchObject({ status: 0, said: expect.stringContaining('SUCCESS') });
  }, 60_000);
});
