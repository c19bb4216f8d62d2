import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { inFasterTime, isAlert, ruleGroups } from '../../scripts/monitoring-rules';
import { packageRoot } from '../../src/foundation';
import { dashboardQueries } from '../support/dashboards';
import { describeWithPrometheus, promtool } from '../support/prometheus';

const monitoring = path.join(packageRoot, 'infra/monitoring');
const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-rules-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const groups = [...ruleGroups().values()].flat();
const alerts = groups.flatMap(({ rules }) => rules.filter(isAlert));

interface Check {
  readonly eval_time: string;
  readonly alertname: string;
  readonly exp_alerts: readonly { readonly exp_labels: { readonly severity: string } }[];
}
const testFiles = readdirSync(path.join(monitoring, 'tests')).map((name) => ({
  name,
  ...(parse(readFileSync(path.join(monitoring, 'tests', name), 'utf8')) as {
    rule_files: string[];
    tests: { name: string; alert_rule_test: Check[] }[];
  }),
}));

const UNITS = { m: 1, h: 60 };
const minutes = (time: string) =>
  [...time.matchAll(/(\d+)([mh])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * UNITS[unit as 'm'], 0);

test('every alert has a test in which it does not fire, then fires, then has ended', () => {
  for (const { alert, labels } of alerts) {
    const runs = testFiles
      .flatMap(({ tests }) => tests)
      .map(({ alert_rule_test: checks }) =>
        checks
          .filter(({ alertname }) => alertname === alert)
          .sort((a, b) => minutes(a.eval_time) - minutes(b.eval_time))
          .map(({ exp_alerts }) => exp_alerts),
      );
    const whole = runs.some((run) => {
      const fires = run.findIndex((expected) => expected.length > 0);
      return fires > 0 && run.slice(fires).some((expected) => expected.length === 0);
    });
    expect({ alert, whole }).toEqual({ alert, whole: true });
    for (const { exp_labels } of runs.flat(2)) expect(exp_labels.severity).toBe(labels.severity);
  }
  const known = new Set(alerts.map(({ alert }) => alert));
  for (const { tests } of testFiles)
    for (const { alert_rule_test: checks } of tests)
      for (const { alertname } of checks) expect(known).toContain(alertname);
});

test('in a faster time every length of time is shorter, and nothing else is changed', () => {
  const [group] = inFasterTime(
    [
      {
        name: 'one',
        interval: '30s',
        rules: [
          {
            alert: 'TitrateX',
            expr: 'time() - max_over_time(a_60[1h]) > 3 * 3600 and rate(b{le="60"}[5m:1m] offset 1d) > 60',
            for: '5m',
            labels: { severity: 'page' },
            annotations: { summary: '5m', description: '3600', runbook: '' },
          },
        ],
      },
    ],
    60,
  );
  expect(group).toMatchObject({
    interval: '1000ms',
    rules: [
      {
        expr: 'time() - max_over_time(a_60[60000ms]) > 3 * (3600 / 60) and rate(b{le="60"}[5000ms:1000ms] offset 1440000ms) > (60 / 60)',
        for: '5000ms',
        annotations: { summary: '5m', description: '3600' },
      },
    ],
  });
});

test('rules write lengths of time as multiples of 60, 3600 and 86400', () => {
  for (const { expr } of groups.flatMap(({ rules }) => rules)) {
    if (!/time\(\)|:seconds|_age_seconds|activity_wait/.test(expr)) continue;
    const bare = expr.replace(/\[[^\]]*\]|"[^"]*"|[a-z_:]+[0-9a-z_:]*/g, '');
    for (const number of bare.match(/\d+(\.\d+)?/g) ?? [])
      expect({
        expr,
        number,
        known: ['60', '3600', '86400'].includes(number) || Number(number) <= 15,
      }).toMatchObject({ known: true });
  }
});

describeWithPrometheus('promtool', () => {
  test('takes the configuration, the rules in any time, and what the panels ask', () => {
    expect(promtool(monitoring, 'check', 'config', 'prometheus.yml')).toMatchObject({ status: 0 });
    const file = path.join(directory, 'rules.yml');
    const taken = (content: object) => {
      writeFileSync(file, stringify({ groups: content }));
      return promtool(monitoring, 'check', 'rules', file);
    };
    const panels = dashboardQueries().map(({ expr }, nth) => ({ record: `panel:${nth}`, expr }));
    expect(taken([{ name: 'panels', rules: panels }])).toMatchObject({ status: 0 });
    expect(taken(inFasterTime(groups, 300))).toMatchObject({ status: 0 });
    expect(taken([{ name: 'panels', rules: [{ record: 'x', expr: 'sum by (' }] }]).status).not.toBe(0);
  });

  test.each(testFiles.map(({ name }) => name))(
    '%s: alerts fire when they should, say what they should, and end',
    (name) => {
      expect(promtool(monitoring, 'test', 'rules', `tests/${name}`)).toMatchObject({
        status: 0,
        said: expect.stringMatching(/SUCCESS/),
      });
    },
  );
});
