import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Registry } from 'prom-client';
import { parse, parseAllDocuments } from 'yaml';
import { renderDashboards } from '../../scripts/dashboards/all';
import { alertsTable, isAlert, ruleGroups } from '../../scripts/monitoring-rules';
import { createProgram } from '../../src/cli/main';
import { packageRoot } from '../../src/foundation';
import { createMetrics } from '../../src/observability';
import { createServingMetrics } from '../../src/serving/metrics';
import { createTrafficCounters } from '../../src/serving/traffic/counters';
import { dashboardQueries, dashboards } from '../support/dashboards';

const monitoring = path.join(packageRoot, 'infra/monitoring');
const read = (...names: string[]) => readFileSync(path.join(monitoring, ...names), 'utf8');
const document = (name: string) => readFileSync(path.join(packageRoot, name), 'utf8');

const rules = [...ruleGroups().values()].flat().flatMap((group) => group.rules);
const alerts = rules.filter(isAlert);
const expressions = [...rules.map(({ expr }) => expr), ...dashboardQueries().map(({ expr }) => expr)];

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

test('every metric that a rule or a panel looks at is one that somebody has', async () => {
  const traffic = new Registry();
  createTrafficCounters(traffic);
  const registries = [createMetrics().registry, createServingMetrics().registry, traffic];
  const known = (await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()))).flat();
  const ours = new Set([...known.map(({ name }) => name), 'titrate_build_info']);
  const recorded = new Set(rules.flatMap((rule) => ('record' in rule ? [rule.record] : [])));
  const sdk = core();
  const named = new Set(
    expressions.flatMap((expr) => expr.match(/\b(temporal|titrate)[_:][a-z_:0-9]+/g) ?? []),
  );
  expect(named.size).toBeGreaterThan(60);
  const bare = (name: string) => name.replace(/_(bucket|count|sum)$/, '');
  for (const name of named) {
    const there = name.startsWith('titrate:')
      ? recorded.has(name)
      : name.startsWith('titrate_')
        ? ours.has(name) || ours.has(bare(name))
        : sdk.includes(
            bare(name)
              .replace(/^temporal_/, '')
              .replace(/_(total|seconds)$/, ''),
          );
    expect({ name, there }).toEqual({ name, there: true });
  }
  for (const name of recorded) expect(expressions.some((expr) => expr.includes(name))).toBe(true);
});

/** Headings of a Markdown file as GitHub makes anchors of them, each with what stands below. */
function sectionsOf(text: string): Map<string, string> {
  const parts = text.split(/^#{1,6} /m).slice(1);
  return new Map(
    parts.map((part) => {
      const [heading, ...body] = part.split('\n');
      const anchor = heading!
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-');
      return [anchor, body.join('\n')];
    }),
  );
}

test('every alert says how bad it is, what is the matter with what numbers, and where to read on', () => {
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  for (const { alert, labels, annotations } of alerts) {
    expect({ alert, severity: labels.severity }).toEqual({
      alert,
      severity: expect.stringMatching(/^(page|ticket)$/),
    });
    expect(alert).toMatch(/^Titrate[A-Za-z]+$/);
    expect(annotations.summary).toMatch(/\.$/);
    expect({ alert, description: annotations.description }).toEqual({
      alert,
      description: expect.stringMatching(/\.$/),
    });
    // Cloud Monitoring shows the summary, and knows labels alone.
    expect(annotations.summary.replace(/\{\{ \$labels\.[a-z_]+ \}\}/g, '')).not.toContain('{{');
    const [file, anchor] = annotations.runbook.split('#');
    const section = sectionsOf(document(file!)).get(anchor!);
    expect({ alert, anchor }).toEqual({ alert, anchor: alert.toLowerCase() });
    for (const part of ['What it means', 'Look at', 'Do', 'Over when'])
      expect({ alert, part, there: section?.includes(`**${part}.**`) }).toMatchObject({ there: true });
  }
});

describe.each([...new Set(alerts.map(({ annotations }) => annotations.runbook.split('#')[0]!))])(
  '%s',
  (file) => {
    const text = document(file);

    test('its sections are those of alerts, and its links lead somewhere', () => {
      const names = [...text.matchAll(/^## (.+)$/gm)].map(([, name]) => name);
      const own = alerts.filter(({ annotations }) => annotations.runbook.startsWith(`${file}#`));
      expect(names.sort()).toEqual(own.map(({ alert }) => alert).sort());
      for (const [, target] of text.matchAll(/\]\(([^)]+)\)/g)) {
        const [name, anchor] = target!.split('#');
        const at = name ? path.join(path.dirname(file), name) : file;
        expect({ target, there: existsSync(path.join(packageRoot, at)) }).toMatchObject({ there: true });
        if (anchor) expect([...sectionsOf(document(at)).keys()]).toContain(anchor);
      }
    });

    test('its commands of titrate are commands', () => {
      const lines = [...text.matchAll(/scripts\/titrate ([^`\n]+)/g)].map(([, line]) => line!);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        let command = createProgram();
        for (const word of line.split(' ')) {
          const next = command.commands.find((one) => one.name() === word);
          if (!next) break;
          command = next;
        }
        expect({ line, known: command.parent !== null }).toEqual({ line, known: true });
        const options = command.options.map(({ long }) => long);
        for (const [flag] of line.matchAll(/--[a-z][a-z-]*/g))
          expect([line, [...options, '--help']]).toEqual([line, expect.arrayContaining([flag])]);
      }
    });
  },
);

test("Managed Prometheus has the same rules, on jobs of the same names as compose's Prometheus", () => {
  const kubernetes = (file: string) =>
    parseAllDocuments(document(`infra/kubernetes/monitoring/${file}`)).map(
      (parsed) => parsed.toJS() as { metadata: { name: string }; spec: { groups: unknown } },
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

test('docs/alerts.md has every alert', () => {
  const names = [...alertsTable().matchAll(/\[`(\w+)`\]/g)].map(([, name]) => name);
  expect(names.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  for (const name of names) expect(document('docs/alerts.md')).toContain(`[\`${name}\`]`);
});

test('the dashboards are those of the code, each panel with a source, a title and a unit', () => {
  const { datasources } = parse(read('grafana/provisioning/datasources/prometheus.yml')) as {
    datasources: { uid: string; url: string }[];
  };
  const sources = datasources.map(({ uid }) => uid);
  const rendered = renderDashboards();
  expect(readdirSync(path.join(monitoring, 'grafana/dashboards')).sort()).toEqual(
    [...rendered.keys()].sort(),
  );
  for (const [name, board] of rendered)
    expect(JSON.parse(read('grafana/dashboards', name))).toEqual(JSON.parse(JSON.stringify(board)));
  const boards = dashboards();
  expect(boards.map(({ uid }) => uid).sort()).toEqual(
    [...rendered.keys()].map((name) => `titrate-${path.basename(name, '.json')}`).sort(),
  );
  for (const { panels } of boards) {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, datasource, targets, fieldConfig, gridPos } of panels.filter(
      ({ type }) => type !== 'row',
    )) {
      expect({ title, unit: fieldConfig.defaults.unit, queries: targets.length > 0 }).toEqual({
        title: expect.stringMatching(/\S/),
        unit: expect.stringMatching(/\S/),
        queries: true,
      });
      expect({ title, sources }).toMatchObject({ sources: expect.arrayContaining([datasource.uid]) });
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
  }
  // Grafana opens with one of them.
  expect(document('docker-compose.yml')).toContain('/var/lib/grafana/dashboards/campaign.json');
});
