import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../src/foundation';

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: 'page' | 'ticket' };
  readonly annotations: {
    readonly summary: string;
    readonly description: string;
    /** A section of a runbook: `docs/runbooks/workers.md#titrateworkerdown`. */
    readonly runbook: string;
  };
}

export type Rule = RecordingRule | AlertRule;

export interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly Rule[];
}

export const isAlert = (rule: Rule): rule is AlertRule => 'alert' in rule;

const FOLDER = 'infra/monitoring/rules';

/** The groups of each file of rules, by the file's name without its ending. */
export function ruleGroups(): Map<string, readonly RuleGroup[]> {
  const folder = path.join(packageRoot, FOLDER);
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.yml'))
    .sort();
  return new Map(
    files.map((file) => {
      const { groups } = parse(readFileSync(path.join(folder, file), 'utf8')) as { groups: RuleGroup[] };
      return [path.basename(file, '.yml'), groups];
    }),
  );
}

/** The same rules as objects that Google's Managed Prometheus evaluates, one a file. */
export function rulesManifest(): string {
  const objects = [...ruleGroups()].map(([name, groups]) =>
    stringify(
      {
        apiVersion: 'monitoring.googleapis.com/v1',
        kind: 'Rules',
        metadata: { name: `titrate-${name}` },
        spec: { groups },
      },
      { lineWidth: 0 },
    ),
  );
  return `# Written by scripts/topology.ts from ${FOLDER}.\n${objects.join('---\n')}`;
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DURATION = /(\d+)(ms|s|m|h|d|w)/g;
/** Rules are evaluated once a second at most. */
const SHORTEST_INTERVAL_MS = 1000;
/** `[5m]`, `[1h:5m]`, `offset 1h`. */
const RANGE = /\[[0-9a-z:]+\]|\boffset \d+[a-z]+/g;
/** Lengths of time in an expression are written as multiples of these, and no other number is. */
const SECONDS = /(?<![\w."])(60|3600|86400)(?![\w."])/g;

/**
 * Groups as they are in a world where time passes `factor` times as fast: the same expressions, with every range, offset, pause
 * (`for`), interval and length of time in seconds divided by it. What is measured, such as the time of a request, is as it was.
 */
export function inFasterTime(groups: readonly RuleGroup[], factor: number): RuleGroup[] {
  const faster = (text: string, shortestMs = 1) =>
    text.replace(DURATION, (_, count: string, unit: keyof typeof UNIT_MS) => {
      const ms = Math.round((Number(count) * UNIT_MS[unit]) / factor);
      return `${Math.max(shortestMs, ms)}ms`;
    });
  const expression = (expr: string) =>
    expr.replace(RANGE, (text) => faster(text)).replace(SECONDS, (seconds) => `(${seconds} / ${factor})`);
  return groups.map((group) => ({
    ...group,
    interval: faster(group.interval, SHORTEST_INTERVAL_MS),
    rules: group.rules.map((rule) => ({
      ...rule,
      expr: expression(rule.expr),
      ...('for' in rule && rule.for && { for: faster(rule.for) }),
    })),
  }));
}

const TITLES: Record<string, string> = {
  campaigns: 'Campaigns',
  models: 'Models',
  intake: 'Results of laboratories',
  inference: 'Servers of models',
  workers: 'Workers and workflows',
  cost: 'Cost',
};

/** Placeholders of Prometheus, as a reader would write them. */
const plain = (text: string) => text.replace(/\{\{ *\$labels\.(\w+) *\}\}/g, '_$1_');

/** Every alert: how urgent, what it says, how long that must last, where to read on. For docs/alerts.md. */
export function alertsTable(): string {
  const sections = [...ruleGroups()].map(([name, groups]) => {
    const alerts = groups.flatMap(({ rules }) => rules.filter(isAlert));
    const rows = alerts.map(({ alert, labels, annotations, for: pause }) => {
      const page = annotations.runbook.replace('docs/', '');
      return `| [\`${alert}\`](${page}) | ${labels.severity} | ${plain(annotations.summary)} | ${pause ?? 'at once'} |`;
    });
    return `### ${TITLES[name] ?? name}\n\n${['| alert | severity | what it says | lasting |', '| --- | --- | --- | --- |', ...rows].join('\n')}`;
  });
  return sections.join('\n\n');
}
