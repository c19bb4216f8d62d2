import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { compiledEntry } from '../../src/foundation';
import { startLocalStack } from '../../src/platform/local-stack';
import { loadSettings } from '../../src/platform/settings';
import { connectTemporal, temporalConnection } from '../../src/platform/temporal';
import { describeWhere } from '../support/describe-where';
import { eventually } from '../support/eventually';
import { complaintsAbout, describeWithPrometheus } from '../support/prometheus';
import { startServer } from '../support/temporal';
import { makeAuthority, opensslLacks, startTlsGuard, type Pair } from '../support/tls';
import { freePort } from '../support/free-port';

const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-tls-'));
const API_KEY = 'key-of-the-test';
let environment: TestWorkflowEnvironment;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  environment = await startServer();
}, 120_000);
afterAll(async () => {
  for (const child of processes.filter(({ exitCode }) => exitCode === null)) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  await environment?.teardown();
  rmSync(directory, { recursive: true, force: true });
});

/** A worker process; resolves with what it has said once it is ready or has ended. */
async function startWorker(env: Record<string, string>) {
  const child = spawn(process.execPath, [compiledEntry('workers/orchestration')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TITRATE_HOME: path.join(directory, 'home'), ...env },
  });
  processes.push(child);
  let said = '';
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        said += data.toString('utf8');
        if (said.includes('worker orchestration ready')) resolve();
      });
  });
  await Promise.race([ready, once(child, 'exit')]);
  return { child, said: () => said };
}

describeWhere(opensslLacks(), 'a Temporal server behind TLS', () => {
  let server: Pair, client: Pair, stranger: Pair;
  let ca: string;
  let guard: Awaited<ReturnType<typeof startTlsGuard>>;
  const seen = new Set<string>();

  beforeAll(async () => {
    const authority = makeAuthority(directory, 'authority');
    ca = authority.ca;
    server = authority.issue('temporal.example');
    client = authority.issue('titrate');
    stranger = makeAuthority(directory, 'stranger').issue('titrate');
    guard = await startTlsGuard({
      upstream: environment.address,
      server,
      clientCa: ca,
      admits: (headers) => {
        seen.add(String(headers['temporal-namespace']));
        return headers.authorization === `Bearer ${API_KEY}`;
      },
    });
  });
  afterAll(() => guard?.close());

  const variables = (more: Record<string, string> = {}): Record<string, string> => ({
    TITRATE_TEMPORAL_HOST: '127.0.0.1',
    TITRATE_TEMPORAL_PORT: String(guard.port),
    TITRATE_TEMPORAL_TLS_CA_FILE: ca,
    TITRATE_TEMPORAL_TLS_CERT_FILE: client.cert,
    TITRATE_TEMPORAL_TLS_KEY_FILE: client.key,
    TITRATE_TEMPORAL_TLS_SERVER_NAME: 'temporal.example',
    TITRATE_TEMPORAL_API_KEY_FILE: path.join(directory, 'api-key'),
    ...more,
  });
  const connect = (more?: Record<string, string>) => connectTemporal(loadSettings({}, variables(more)));

  test('is reached by certificate and API key: client, worker, health check, command line', async () => {
    writeFileSync(path.join(directory, 'api-key'), `${API_KEY}\n`);
    const connection = await connect();
    expect((await connection.workflowService.getSystemInfo({})).serverVersion).toMatch(/^\d/);
    await connection.close();

    const worker = await startWorker(variables());
    expect(worker.said()).toContain('worker orchestration ready');
    const run = (entry: string, ...args: string[]) =>
      spawn(process.execPath, [compiledEntry(entry), ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...variables(), TITRATE_HOME: path.join(directory, 'home') },
      });
    const ended = async (child: ChildProcess) => {
      let said = '';
      child.stdout!.on('data', (data: Buffer) => (said += data.toString('utf8')));
      child.stderr!.on('data', (data: Buffer) => (said += data.toString('utf8')));
      const [code] = (await once(child, 'close')) as [number];
      return { code, said };
    };
    await eventually(
      () => ended(run('scripts/worker-health', 'orchestration')),
      ({ code }) => code === 0,
    );
    expect(await ended(run('src/cli/main', 'campaign', 'list', '--json'))).toMatchObject({ code: 0 });
    expect(seen).toEqual(new Set(['default']));
  }, 60_000);

  test('is not reached with what does not fit, and the error says what to look at', async () => {
    const otherKey = path.join(directory, 'other-key');
    writeFileSync(otherKey, 'other');
    const unfit: [what: string, more: Record<string, string>, message: RegExp][] = [
      ['certificate', { TITRATE_TEMPORAL_TLS_CERT_FILE: stranger.cert, TITRATE_TEMPORAL_TLS_KEY_FILE: stranger.key },
        /no Temporal server answers.*Does it speak TLS/],
      ['name', { TITRATE_TEMPORAL_TLS_SERVER_NAME: 'else.example' }, /temporal\.tls\.serverName/],
      ['no TLS', { TITRATE_TEMPORAL_TLS: 'off', TITRATE_TEMPORAL_API_KEY_FILE: '' }, /TITRATE_TEMPORAL_TLS=on/],
      ['key', { TITRATE_TEMPORAL_API_KEY_FILE: otherKey }, /refuses this side.*Look at the API key/],
    ]; // prettier-ignore
    // Side by side: the client tries for five seconds.
    const said = await Promise.all(
      unfit.map(async ([what, more]) => [
        what,
        await connect(more).then(
          () => 'connected',
          (error: Error) => error.message,
        ),
      ]),
    );
    expect(said).toEqual(unfit.map(([what, , message]) => [what, expect.stringMatching(message)]));
  }, 30_000);

  test('a worker that is refused says so in a line and ends', async () => {
    writeFileSync(path.join(directory, 'other-key'), 'other');
    const { child, said } = await startWorker(
      variables({ TITRATE_TEMPORAL_API_KEY_FILE: path.join(directory, 'other-key') }),
    );
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(1);
    expect(said()).toMatch(/^worker orchestration: .*refuses this side.*Look at the API key/m);
  }, 60_000);
});

describe('the settings of a connection', () => {
  const options = (env: Record<string, string>) => temporalConnection(loadSettings({}, env), env);

  test('nothing but an address where nothing is said; TLS where anything of it is', () => {
    expect(options({})).toEqual({ address: '127.0.0.1:7233' });
    expect(options({ TITRATE_TEMPORAL_TLS: 'on' })).toEqual({ address: '127.0.0.1:7233', tls: {} });
    expect(
      options({ TITRATE_TEMPORAL_API_KEY: ' k\n', TITRATE_TEMPORAL_NAMESPACE: 'titrate.a1b2c' }),
    ).toMatchObject({ tls: {}, apiKey: 'k', metadata: { 'temporal-namespace': 'titrate.a1b2c' } });
  });

  test('what is not whole is named', () => {
    const empty = path.join(directory, 'empty');
    writeFileSync(empty, ' \n');
    expect(() => options({ TITRATE_TEMPORAL_TLS_CERT_FILE: 'c' })).toThrow(/keyFile: is missing/);
    expect(() => options({ TITRATE_TEMPORAL_TLS_CA_FILE: '/nowhere.pem' })).toThrow(
      /temporal\.tls\.caFile: \/nowhere\.pem cannot be read/,
    );
    expect(() => options({ TITRATE_TEMPORAL_API_KEY_FILE: empty })).toThrow(/apiKeyFile: .*is empty/);
    expect(() => options({ TITRATE_TEMPORAL_TLS: 'off', TITRATE_TEMPORAL_API_KEY: 'k' })).toThrow(
      /an API key would be sent for everybody to read/,
    );
  });
});

test('a local stack, whose server speaks no TLS, does not start on the settings of a server elsewhere', async () => {
  const home = path.join(directory, 'stack');
  const settings = loadSettings({ home, temporal: { tls: { mode: 'on' } } }, {});
  await expect(startLocalStack({ settings, ports: 'free' })).rejects.toThrow(
    /temporal\.tls.*speaks no TLS.*dist\/workers\/all\.js/,
  );
});

describeWithPrometheus("a worker's metrics", () => {
  test("are answered in Prometheus' names; a second worker on the port says what to do", async () => {
    const [host, port] = environment.address.split(':') as [string, string];
    const metrics = String(await freePort());
    const variables = {
      TITRATE_TEMPORAL_HOST: host,
      TITRATE_TEMPORAL_PORT: port,
      TITRATE_METRICS_PORT: metrics,
    };
    await startWorker(variables);
    const text = await eventually(
      async () => (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text(),
      (said) => said.includes('temporal_worker_start_total'),
    );
    expect(text).toContain('temporal_request_latency_seconds_bucket');
    expect(text).toMatch(/temporal_num_pollers\{[^}]*task_queue="orchestration"/);
    expect(text).toContain('titrate_metrics_exporter_up 1');
    expect(text).toMatch(/^titrate_build_info\{version="[\d.]+"\} 1$/m);
    expect(text).toMatch(/^titrate_campaigns_open 0$/m);
    expect(complaintsAbout(text)).toBe('');
    const second = await startWorker(variables);
    if (second.child.exitCode === null) await once(second.child, 'exit');
    expect(second.said()).toMatch(/127\.0\.0\.1:\d+: metrics cannot be offered there.*TITRATE_METRICS_PORT/);
  }, 60_000);
});
