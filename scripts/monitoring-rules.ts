import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../src/foundation';

export interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly {
    readonly alert: string;
    readonly expr: string;
    readonly for?: string;
    readonly labels: { readonly severity: string };
    readonly annotations: { readonly summary: string; readonly runbook: string };
  }[];
}

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

/** The same alerts as objects that Google's Managed Prometheus evaluates, one a file. */
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
