import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../src/foundation';
import { describeWhere } from './describe-where';
import { eventually } from './eventually';
import { freePort } from './free-port';

/** Debian's name, and the one of everybody else. */
const program = ['prometheus-alertmanager', 'alertmanager'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);
const lacks =
  program === undefined
    ? 'no alertmanager here'
    : spawnSync('amtool', ['--version']).status === 0
      ? null
      : 'no amtool here';

/** `describe` for tests that need Alertmanager and amtool. */
export const describeWithAlertmanager = (name: string, body: () => void): void =>
  describeWhere(lacks, name, body);
export const alertmanagerLacks = lacks;

export function amtool(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('amtool', args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

/** What infra/monitoring/alertmanager.sh makes of the checked-in file, with these variables alone. */
export function configurationWith(variables: Readonly<Record<string, string>>) {
  const folder = path.join(packageRoot, 'infra/monitoring');
  const args = ['alertmanager.sh', 'alertmanager.yml'];
  return spawnSync('sh', args, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...variables },
  });
}

/** One alert of a message, as Alertmanager sends it to a webhook. */
export interface Delivered {
  readonly status: 'firing' | 'resolved';
  readonly receiver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Message {
  readonly receiver: string;
  readonly alerts: readonly Omit<Delivered, 'receiver'>[];
}

/**
 * An Alertmanager on loopback with the shipped configuration, whose receivers are a webhook of the test; it only waits shorter before
 * it tells.
 */
export async function startAlertmanager(): Promise<{
  /** host:port */
  readonly address: string;
  /** Everything the webhook was told, in order. */
  readonly told: readonly Delivered[];
  close(): Promise<void>;
}> {
  const told: Delivered[] = [];
  const webhook = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { alerts, receiver } = JSON.parse(body) as Message;
      told.push(...alerts.map((alert) => ({ ...alert, receiver })));
      response.end();
    });
  });
  webhook.listen(0, '127.0.0.1');
  await once(webhook, 'listening');
  const url = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}`;
  const { status, stdout, stderr } = configurationWith({
    TITRATE_PAGES_WEBHOOK: `${url}/pages`,
    TITRATE_TICKETS_WEBHOOK: `${url}/tickets`,
  });
  if (status !== 0) throw new Error(stderr);
  const directory = await mkdtemp(path.join(os.tmpdir(), 'titrate-alertmanager-'));
  const config = path.join(directory, 'alertmanager.yml');
  await writeFile(config, stdout.replace(/group_(wait|interval): \w+/g, 'group_$1: 1s'));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    program!,
    [
      ...[`--config.file=${config}`, `--storage.path=${path.join(directory, 'data')}`],
      ...[`--web.listen-address=${address}`, '--cluster.listen-address=', '--log.level=warn'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said = (said + data.toString('utf8')).slice(-2000)));
  const gone = once(child, 'exit');
  const close = async () => {
    child.kill('SIGTERM');
    await gone;
    webhook.closeAllConnections();
    webhook.close();
    await rm(directory, { recursive: true, force: true });
  };
  await eventually(
    async () => child.exitCode !== null || (await fetch(`http://${address}/-/ready`)).ok,
    (ready) => ready,
  );
  if (child.exitCode !== null) {
    await close();
    throw new Error(`Alertmanager does not start: ${said}`);
  }
  return { address, told, close };
}
