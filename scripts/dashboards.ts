/**
 * Writes Grafana's dashboards from scripts/dashboards, one a file, where Compose's Grafana looks for them:
 * `node dist/scripts/dashboards.js` writes; with --check it only says whether they are up to date (exit code 1 when not).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { packageRoot } from '../src/foundation';
import { renderDashboards } from './dashboards/all';

const FOLDER = 'infra/monitoring/grafana/dashboards';
async function text(name: string, dashboard: object): Promise<string> {
  const filepath = path.join(packageRoot, FOLDER, name);
  return format(JSON.stringify(dashboard), { ...(await resolveConfig(filepath)), filepath });
}

async function main(check: boolean): Promise<number> {
  const folder = path.join(packageRoot, FOLDER);
  mkdirSync(folder, { recursive: true });
  const wanted = new Map<string, string>();
  for (const [name, dashboard] of renderDashboards()) wanted.set(name, await text(name, dashboard));
  const there = new Map(
    readdirSync(folder).map((name): [string, string] => [
      name,
      readFileSync(path.join(folder, name), 'utf8'),
    ]),
  );
  const stale = [...wanted].filter(([name, body]) => there.get(name) !== body).map(([name]) => name);
  const unknown = [...there.keys()].filter((name) => !wanted.has(name));
  const changed = [...stale, ...unknown];
  if (check) {
    if (changed.length === 0) return 0;
    process.stderr.write(
      `not what scripts/dashboards says: ${changed.join(', ')}. Run: node dist/scripts/dashboards.js\n`,
    );
    return 1;
  }
  for (const name of stale) writeFileSync(path.join(folder, name), wanted.get(name)!);
  for (const name of unknown) rmSync(path.join(folder, name));
  process.stderr.write(`dashboards: ${stale.length} written, ${unknown.length} deleted\n`);
  return 0;
}

if (require.main === module) {
  main(process.argv.includes('--check')).then(
    (code) => (process.exitCode = code),
    (error: unknown) => {
      process.stderr.write(`dashboards: ${(error as Error).message}\n`);
      process.exitCode = 1;
    },
  );
}
