import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { ruleGroups } from '../../scripts/monitoring-rules';
import { packageRoot } from '../../src/foundation';
import { createServingMetrics } from '../../src/serving/metrics';
import { describeWithPrometheus } from '../support/prometheus';

const monitoring = path.join(packageRoot, 'infra/monitoring');
const read = (...names: string[]) => readFileSync(path.join(monitoring, ...names), 'utf8');
const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-monitoring-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const rules = [...ruleGroups().values()].flat().flatMap((group) => group.rules);

interface Dashboard {
  readonly uid: string;
  readonly panels: {
    readonly title: string;
    readonly datasource: { readonly uid: string };
    readonly targets: { readonly expr: string }[];
  }[];
}
const dashboards = readdirSync(path.join(monitoring, 'grafana/dashboards')).map(
  (file) => JSON.parse(read('grafana/dashboards', file)) as Dashboard,
);
const panels = dashboards.flatMap((dashboard) => dashboard.panels);
const expressions = [
  ...rules.map(({ expr }) => expr),
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m'))),
];

/** The SDK's core, which has the names of its metrics in it, without prefix, unit and suffix. */
const core = () => {
  const folder = path.join(packageRoot, 'node_modules/@temporalio/core-bridge/releases');
  const architecture = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64' | 'arm64'];
  const platform = readdirSync(folder).find(
    (name) =>
      name.startsWith(architecture) && name.includes(process.platform === 'darwin' ? 'darwin' : 'linux'),
  )!;
  return readFileSync(path.join(folder, platform, 'index.node')).toString('latin1');
};

test('every metric that an alert or a panel looks at is one that somebody has', async () => {
  const ours = new Set(
    (await createServingMetrics().registry.getMetricsAsJSON()).map(({ name }) =>
      name.replace(/_(total|seconds)$/, ''),
    ),
  );
  const sdk = core();
  const named = new Set(expressions.flatMap((expr) => expr.match(/\b(temporal|titrate)_[a-z_]+/g) ?? []));
  expect(named.size).toBeGreaterThan(15);
  for (const name of named) {
    const bare = name.replace(/_(bucket|count|sum)$/, '').replace(/_(total|seconds)$/, '');
    const known = bare.startsWith('titrate_') ? ours.has(bare) : sdk.includes(bare.replace(/^temporal_/, ''));
    expect({ name, known }).toEqual({ name, known: true });
  }
});

test('every alert says how bad it is, what is the matter, and where to read on', () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, labels, annotations } of rules) {
    expect({ alert, severity: labels.severity }).toEqual({
      alert,
      severity: expect.stringMatching(/^(page|ticket)$/),
    });
    expect(annotations.summary).toMatch(/\.$/);
    const { runbook } = annotations;
    expect({ alert, runbook, there: existsSync(path.join(packageRoot, runbook)) }).toMatchObject({
      there: true,
    });
  }
});

test("Managed Prometheus has the same alerts, on jobs of the same names as compose's Prometheus", () => {
  const kubernetes = (file: string) =>
    parseAllDocuments(readFileSync(path.join(packageRoot, 'infra/kubernetes/monitoring', file), 'utf8')).map(
      (document) => document.toJS() as { metadata: { name: string }; spec: { groups: unknown } },
    );
  expect(kubernetes('rules.yaml').map(({ spec }) => spec.groups)).toEqual([...ruleGroups().values()]);
  const jobs = (
    parse(read('prometheus.yml')) as { scrape_configs: { job_name: string }[] }
  ).scrape_configs.map(({ job_name }) => job_name);
  for (const { metadata } of kubernetes('pod-monitoring.yaml')) expect(jobs).toContain(metadata.name);
  const looked = new Set(
    expressions.flatMap((expr) => [...expr.matchAll(/job="([^"]+)"/g)].map(([, job]) => job)),
  );
  for (const job of looked) expect(jobs).toContain(job);
});

test('Grafana has a source for every panel', () => {
  const { datasources } = parse(read('grafana/provisioning/datasources/prometheus.yml')) as {
    datasources: { uid: string; url: string }[];
  };
  const sources = datasources.map(({ uid }) => uid);
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
  for (const { title, datasource } of panels)
    expect({ title, sources }).toMatchObject({ sources: expect.arrayContaining([datasource.uid]) });
});

describeWithPrometheus('promtool', () => {
  const promtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: monitoring, encoding: 'utf8' });
    return { status, said: `${stdout}${stderr}` };
  };

  test('takes the configuration, the rules, and what the panels ask', () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toMatchObject({ status: 0 });
    const file = path.join(directory, 'panels.yml');
    const group = expressions.map((expr, nth) => ({ record: `panel:${nth}`, expr }));
    writeFileSync(file, stringify({ groups: [{ name: 'panels', rules: group }] }));
    expect(promtool('check', 'rules', file)).toMatchObject({ status: 0 });
    writeFileSync(
      file,
      stringify({ groups: [{ name: 'panels', rules: [{ record: 'x', expr: 'sum by (' }] }] }),
    );
    expect(promtool('check', 'rules', file).status).not.toBe(0);
  });

  test('alerts fire when they should, and not before', () => {
    const firing = (alert: string, labels: object, summary: string) => {
      const { annotations, labels: own } = rules.find((rule) => rule.alert === alert)!;
      return { exp_labels: { ...own, ...labels }, exp_annotations: { ...annotations, summary } };
    };
    const at = (eval_time: string, alertname: string, exp_alerts: object[]) => ({
      eval_time,
      alertname,
      exp_alerts,
    });
    const series = (name: string, values: string) => ({ series: name, values });
    const file = path.join(directory, 'tests.yml');
    const worker = { job: 'titrate-workers', instance: 'gpu:9464' };
    const pollers = (queue: string, type: string, values: string) =>
      series(`temporal_num_pollers{task_queue="${queue}", poller_type="${type}"}`, values);
    const tests = [
      {
        interval: '1m',
        input_series: [
          series('up{job="titrate-workers", instance="gpu:9464"}', '1x5 0x20'),
          pollers('orchestration', 'workflow_task', '2x5 0x20'),
          pollers('deploy', 'activity_task', '8x5 _x20'),
        ],
        alert_rule_test: [
          at('9m', 'TitrateWorkerDown', []),
          at('12m', 'TitrateWorkerDown', [
            firing('TitrateWorkerDown', worker, 'The worker gpu:9464 does not answer for its metrics.'),
          ]),
          at('5m', 'TitrateQueueWithoutWorker', []),
          at('18m', 'TitrateQueueWithoutWorker', [
            firing(
              'TitrateQueueWithoutWorker',
              { task_queue: 'orchestration' },
              "Nobody asks for work on the queue 'orchestration': signals and updates wait.",
            ),
            // A worker that is gone takes its metrics along.
            firing(
              'TitrateQueueWithoutWorker',
              { task_queue: 'deploy' },
              "Nobody asks for work on the queue 'deploy': signals and updates wait.",
            ),
          ]),
        ],
      },
      {
        interval: '1m',
        input_series: [
          series('temporal_workflow_task_execution_failed_total{workflow_type="round"}', '0x3 0+1x20'),
          series('titrate_inference_requests_total{job="titrate-inference", status="200"}', '0+90x30'),
          series('titrate_inference_requests_total{job="titrate-inference", status="500"}', '0+10x30'),
          series('titrate_inference_requests_total{job="titrate-inference", status="400"}', '0+10x30'),
        ],
        alert_rule_test: [
          at('4m', 'TitrateWorkflowTasksFail', []),
          at('15m', 'TitrateWorkflowTasksFail', [
            firing(
              'TitrateWorkflowTasksFail',
              { workflow_type: 'round' },
              "Workflow tasks of 'round' fail again and again: the code does not fit the histories.",
            ),
          ]),
          at('15m', 'TitrateInferenceErrors', [
            firing(
              'TitrateInferenceErrors',
              { job: 'titrate-inference' },
              'More than 5 % of the requests for predictions end in an error of the server (5xx).',
            ),
          ]),
        ],
      },
    ];
    const rule_files = readdirSync(path.join(monitoring, 'rules')).map((name) =>
      path.join(monitoring, 'rules', name),
    );
    writeFileSync(file, stringify({ rule_files, evaluation_interval: '1m', tests }));
    expect(promtool('test', 'rules', file)).toMatchObject({
      status: 0,
      said: expect.stringMatching(/SUCCESS/),
    });
  });
});
