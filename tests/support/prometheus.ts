import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describeWhere } from './describe-where';
import { freePort } from './free-port';

const isThere = (program: string) => spawnSync(program, ['--version']).status === 0;

export const prometheusLacks = ['prometheus', 'promtool'].every(isThere) ? null : 'no prometheus here';

/** `describe` for tests that need Prometheus and promtool. */
export const describeWithPrometheus = (name: string, body: () => void): void =>
  describeWhere(prometheusLacks, name, body);

/** promtool with these arguments, in this directory. */
export function promtool(cwd: string, ...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

/** What `promtool check metrics` finds wrong with a text of metrics; empty where it has no complaint. */
export function complaintsAbout(metrics: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: metrics,
    encoding: 'utf8',
  });
  return status === 0 ? '' : `${stdout}${stderr}` || `promtool ended with ${status}`;
}

export interface PrometheusOptions {
  /** host:port of what is scraped, by the job's name. */
  readonly jobs: Readonly<Record<string, readonly string[]>>;
  /** Content of rule files. */
  readonly rules?: readonly object[];
  /** host:port of the Alertmanager that is told. */
  readonly alertmanager?: string;
}

export interface RunningPrometheus {
  /** Base address. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/**
 * A Prometheus on loopback that scrapes every second.
 * @param target base address of the one server that is scraped; or more of them, by job
 * @returns its own base address, once it answers
 */
export async function startPrometheus(target: string | PrometheusOptions): Promise<RunningPrometheus> {
  const {
    jobs,
    rules = [],
    alertmanager,
  }: PrometheusOptions = typeof target === 'string'
    ? { jobs: { inference: [new URL(target).host] } }
    : target;
  const directory = await mkdtemp(path.join(os.tmpdir(), 'titrate-prometheus-'));
  const config = path.join(directory, 'prometheus.yml');
  const port = await freePort();
  const rule_files = rules.map((_, nth) => path.join(directory, `rules-${nth}.yml`));
  const scrape_configs = Object.entries(jobs).map(([job_name, targets]) => ({
    job_name,
    static_configs: [{ targets }],
  }));
  const alerting = alertmanager && { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] };
  const global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  // JSON is YAML.
  await Promise.all(rules.map((content, nth) => writeFile(rule_files[nth]!, JSON.stringify(content))));
  await writeFile(
    config,
    JSON.stringify({ global, rule_files, scrape_configs, ...(alerting && { alerting }) }),
  );
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
