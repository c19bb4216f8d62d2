/**
 * Writes what others read of src/platform/topology: infra/terraform/topology.json for Terraform, the tables of docs/scaling.md and
 * docs/permissions.md for people; and the rules of infra/monitoring/rules once more, as Kubernetes objects for Managed Prometheus and as the
 * table of docs/alerts.md. `node dist/scripts/topology.js` writes; with --check it only says whether they are up to date
 * (exit code 1 when not).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { packageRoot } from '../src/foundation';
import { alertsTable, rulesManifest } from './monitoring-rules';
import { permissionsTable, scalingTable, topologyDocument } from './topology-documents';

const BEGIN = '<!-- topology: written by scripts/topology.ts -->';
const END = '<!-- topology: end -->';

/** `text` with what is between the marks replaced. */
export function between(text: string, body: string, where: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${where}: expected the lines '${BEGIN}' and '${END}'`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${body.trim()}\n\n${text.slice(end)}`;
}

/** The text that each file should have, by its path from the root. */
export async function renderTopology(): Promise<Map<string, string>> {
  const read = (name: string) => readFileSync(path.join(packageRoot, name), 'utf8');
  const drafts: [string, string][] = [
    ['infra/terraform/topology.json', JSON.stringify(topologyDocument())],
    ['infra/kubernetes/monitoring/rules.yaml', rulesManifest()],
    ...(
      [
        ['docs/scaling.md', scalingTable()],
        ['docs/permissions.md', permissionsTable()],
        ['docs/alerts.md', alertsTable()],
      ] as const
    ).map(([name, body]): [string, string] => [name, between(read(name), body, name)]),
  ];
  const texts = await Promise.all(
    drafts.map(async ([name, text]): Promise<[string, string]> => {
      const filepath = path.join(packageRoot, name);
      return [name, await format(text, { ...(await resolveConfig(filepath)), filepath })];
    }),
  );
  return new Map(texts);
}

function current(name: string): string | null {
  try {
    return readFileSync(path.join(packageRoot, name), 'utf8');
  } catch {
    return null;
  }
}

async function main(check: boolean): Promise<number> {
  const stale = [...(await renderTopology())].filter(([name, text]) => current(name) !== text);
  if (check) {
    if (stale.length === 0) return 0;
    const names = stale.map(([name]) => name).join(', ');
    process.stderr.write(`not what the topology says: ${names}. Run: node dist/scripts/topology.js\n`);
    return 1;
  }
  for (const [name, text] of stale) writeFileSync(path.join(packageRoot, name), text);
  process.stderr.write(`topology: ${stale.length} written\n`);
  return 0;
}

if (require.main === module) {
  main(process.argv.includes('--check')).then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
      process.stderr.write(`topology: ${(error as Error).message}\n`);
      process.exitCode = 1;
    },
  );
}
