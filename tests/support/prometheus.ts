import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describeWhere } from './describe-where';
import { freePort } from './free-port';

const isThere = (program: string) => spawnSync(program, ['--version']).status === 0;

/** `describe` for tests that need Prometheus and promtool. */
export const describeWithPrometheus = (name: string, body: () => void): void =>
  describeWhere(['prometheus', 'promtool'].every(isThere) ? null : 'no prometheus here', name, body);

/** What `promtool check metrics` finds wrong with a text of metrics; empty where it has no complaint. */
export function complaintsAbout(metrics: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: metrics,
    encoding: 'utf8',
  });
  return status === 0 ? '' : `${stdout}${stderr}` || `promtool ended with ${status}`;
}

/**
 * A Prometheus on loopback that scrapes one server every second.
 * @param target base address of the server
 * @returns its own base address, once it answers
 */
export async function startPrometheus(target: string): Promise<{ endpoint: string; close(): Promise<void> }> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'titrate-prometheus-'));
  const config = path.join(directory, 'prometheus.yml');
  const port = await freePort();
  const job = { job_name: 'inference', static_configs: [{ targets: [new URL(target).host] }] };
  const interval = { scrape_interval: '1s', scrape_timeout: '1s' };
  // JSON is YAML.
  await writeFile(config, JSON.stringify({ global: interval, scrape_configs: [job] }));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said = (said + data.toString('utf8')).slice(-2000)));
  const gone = once(child, 'exit');
  const endpoint = `http://127.0.0.1:${port}`;
  for (const deadline = Date.now() + 30_000; ;) {
    const answer = await fetch(`${endpoint}/-/ready`).catch(() => null);
    if (answer?.ok) break;
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`Prometheus does not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    endpoint,
    async close() {
      child.kill('SIGTERM');
      await gone;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
