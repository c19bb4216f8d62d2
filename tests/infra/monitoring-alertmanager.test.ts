import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { isAlert, ruleGroups } from '../../scripts/monitoring-rules';
import { packageRoot } from '../../src/foundation';
import { amtool, configurationWith, describeWithAlertmanager } from '../support/alertmanager';

const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-alertmanager-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const checkedIn = readFileSync(path.join(packageRoot, 'infra/monitoring/alertmanager.yml'), 'utf8');
const alerts = [...ruleGroups().values()].flat().flatMap(({ rules }) => rules.filter(isAlert));

const written = (variables: Record<string, string>) => {
  const { status, stdout, stderr } = configurationWith(variables);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const file = path.join(directory, 'alertmanager.yml');
  writeFileSync(file, stdout);
  return { file, config: parse(stdout) as { receivers: { name: string }[] } };
};

const EVERY = {
  TITRATE_PAGES_WEBHOOK: "https://alerts.example.org/o'clock?a=1&b=2",
  TITRATE_PAGES_SLACK: 'https://hooks.slack.com/services/T/B/x',
  TITRATE_TICKETS_EMAIL: 'chemists@example.org',
  TITRATE_ALERTS_SMTP: 'smtp.example.org:587',
  TITRATE_ALERTS_FROM: 'titrate@example.org',
  TITRATE_ALERTS_SMTP_USER: 'titrate',
  TITRATE_ALERTS_SMTP_PASSWORD: `it's "one"`,
};

test('without addresses the configuration is what is checked in', () => {
  expect(configurationWith({})).toMatchObject({ status: 0, stdout: checkedIn });
});

test('addresses come from variables', () => {
  expect(written(EVERY).config.receivers).toEqual([
    {
      name: 'pages',
      webhook_configs: [{ url: EVERY.TITRATE_PAGES_WEBHOOK, send_resolved: true }],
      slack_configs: [expect.objectContaining({ api_url: EVERY.TITRATE_PAGES_SLACK, send_resolved: true })],
    },
    {
      name: 'tickets',
      email_configs: [
        {
          ...{ to: EVERY.TITRATE_TICKETS_EMAIL, from: EVERY.TITRATE_ALERTS_FROM },
          ...{ smarthost: EVERY.TITRATE_ALERTS_SMTP, send_resolved: true },
          ...{ auth_username: 'titrate', auth_password: EVERY.TITRATE_ALERTS_SMTP_PASSWORD },
        },
      ],
    },
  ]);
});

test.each([
  [{ TITRATE_PAGES_EMAIL: 'a@example.org' }, /TITRATE_ALERTS_SMTP \(host:port\) is not/],
  [{ TITRATE_PAGES_EMAIL: 'a@example.org', TITRATE_ALERTS_SMTP: 'a:25' }, /TITRATE_ALERTS_FROM is not/],
  [{ TITRATE_PAGES_WEBHOOK: 'http://a\nroute: {}' }, /line break/],
])('%j is refused', (variables, why) => {
  const { status, stderr } = configurationWith(variables);
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(why) });
});

test("compose's Alertmanager is started with the variables that the script knows", () => {
  const known = new Set(
    readFileSync(path.join(packageRoot, 'infra/monitoring/alertmanager.sh'), 'utf8').match(
      /TITRATE_[A-Z_]+/g,
    ),
  );
  const { services } = parse(readFileSync(path.join(packageRoot, 'docker-compose.yml'), 'utf8')) as {
    services: {
      alertmanager: { command: string[]; environment: Record<string, string>; entrypoint: string[] };
    };
  };
  const { command, environment, entrypoint } = services.alertmanager;
  expect(new Set(Object.keys(environment))).toEqual(known);
  for (const [name, value] of Object.entries(environment)) expect(value).toBe(`\${${name}:-}`);
  // What the shell is given is a command for it, here as there.
  expect(entrypoint).toEqual(['/bin/sh', '-c']);
  expect(spawnSync('sh', ['-n', '-c', command[0]!]).status).toBe(0);
  const docs = readFileSync(path.join(packageRoot, 'docs/alerts.md'), 'utf8');
  for (const name of known) expect(docs).toContain(name);
});

test('what an alert holds back are alerts', () => {
  const { inhibit_rules: inhibitions } = parse(checkedIn) as {
    inhibit_rules: { source_matchers: string[]; target_matchers: string[] }[];
  };
  const matched = (matcher: string) => {
    const [, operator, pattern] = /^alertname (=~?) "(.+)"$/.exec(matcher)!;
    return alerts.filter(({ alert }) =>
      operator === '=' ? alert === pattern : new RegExp(`^(?:${pattern})$`).test(alert),
    );
  };
  for (const { source_matchers: sources, target_matchers: targets } of inhibitions)
    for (const matcher of [...sources, ...targets])
      expect({ matcher, alerts: matched(matcher).length > 0 }).toEqual({ matcher, alerts: true });
});

describeWithAlertmanager('amtool', () => {
  test('takes the configuration, with and without addresses', () => {
    for (const variables of [{}, EVERY])
      expect(amtool('check-config', written(variables).file)).toMatchObject({
        status: 0,
        said: expect.stringMatching(/SUCCESS/),
      });
    const broken = path.join(directory, 'broken.yml');
    writeFileSync(broken, checkedIn.replace('receiver: pages', 'receiver: nobody'));
    expect(amtool('check-config', broken).status).not.toBe(0);
  });

  test('every alert goes where its severity says', () => {
    const { file } = written({});
    for (const { alert, labels } of alerts) {
      const receiver = { page: 'pages', ticket: 'tickets' }[labels.severity];
      const route = ['config', 'routes', 'test', `--config.file=${file}`, `--verify.receivers=${receiver}`];
      expect({
        alert,
        ...amtool(...route, `alertname=${alert}`, `severity=${labels.severity}`, 'campaign=esol-42'),
      }).toMatchObject({
        alert,
        status: 0,
      });
    }
  }, 30_000);
});
