import { fork, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { compiledEntry } from '../../src/foundation';
import { openEvidence } from '../../src/platform/evidence';
import { openDeployer } from '../../src/platform/rollout';
import { loadSettings, type Settings } from '../../src/platform/settings';
import type { CandidateMessage } from '../../src/serving';
import { newApiKey } from '../../src/serving/access';
import { eventually, openWorld, type World } from './support/world';
import { freePort } from '../support/free-port';

const CAMPAIGN = 'solubility-42';
const asker = newApiKey();
const reader = newApiKey();
const KEYS = [
  { name: 'asker', sha256: asker.sha256, scopes: ['predict'] },
  { name: 'reader', sha256: reader.sha256, scopes: ['read'] },
];
let world: World;
let child: ChildProcess | undefined;

const environment = () => ({
  ...process.env,
  TITRATE_HOME: world.directory,
  TITRATE_CHEMISTRY_THREADS: '1',
  TITRATE_LEARNING_THREADS: '1',
  TITRATE_LEARNING_BACKEND: 'cpu',
  TITRATE_LOG_LEVEL: 'error',
});

/** The inference server as a process, on every address of this machine; what it was told is what its neighbours read. */
async function start(auth: object, keys?: object[]): Promise<{ settings: Settings; url: string }> {
  const inference = { host: '0.0.0.0', port: await freePort(), auth };
  writeFileSync(path.join(world.directory, 'titrate.yaml'), JSON.stringify({ inference }));
  let said = '';
  child = spawn(process.execPath, [compiledEntry('workers/inference')], {
    ...{ cwd: world.directory, stdio: ['ignore', 'pipe', 'inherit'] },
    env: {
      ...environment(),
      ...(keys && { TITRATE_INFERENCE_KEYS: JSON.stringify(keys) }),
    },
  });
  child.stdout!.on('data', (data: Buffer) => (said += data.toString()));
  await eventually(async () => said.startsWith('inference listening'));
  const settings = loadSettings({ home: world.directory, inference }, {});
  return { settings, url: `http://127.0.0.1:${inference.port}` };
}

async function statusOf(url: string, key?: string, body?: object): Promise<number> {
  const response = await fetch(url, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
  });
  await response.arrayBuffer();
  return response.status;
}

const ownKey = () => readFileSync(path.join(world.directory, 'inference.key'), 'utf8');
const TRIAL = `/v2/models/${CAMPAIGN}/trial`;
const by = (operationId: string) => ({ campaignId: CAMPAIGN, operationId, author: 'ada', reason: 'test' });

beforeAll(async () => {
  world = await openWorld();
  const { id } = await world.train(CAMPAIGN);
  await world.train(CAMPAIGN, 100);
  await world.pointers.move(`serving/${CAMPAIGN}`, id, by('serve'));
});
afterEach(async () => {
  if (!child) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
  child = undefined;
});
afterAll(() => world.close());

test('with keys: what each may call, on every address; probes need none; what deploys knows the key of its installation', async () => {
  const { settings, url } = await start({ mode: 'keys', metrics: 'read' }, KEYS);
  const key = ownKey();
  expect(statSync(path.join(world.directory, 'inference.key')).mode & 0o777).toBe(0o600);
  const asked = { smiles: ['CCO'] };
  const table: [string, object | undefined, number[]][] = [
    // Nobody, who may predict, who may read, the installation itself.
    ['/v2/health/live', undefined, [200, 200, 200, 200]],
    ['/v2/health/ready', undefined, [200, 200, 200, 200]],
    [`/v2/models/${CAMPAIGN}/ready`, undefined, [200, 200, 200, 200]],
    ['/openapi.json', undefined, [200, 200, 200, 200]],
    ['/models', undefined, [401, 403, 200, 200]],
    [`/v2/models/${CAMPAIGN}`, undefined, [401, 403, 200, 200]],
    ['/metrics', undefined, [401, 403, 200, 200]],
    [TRIAL, undefined, [401, 403, 200, 200]],
    ['/predict', asked, [401, 200, 403, 403]],
    ['/nothing', undefined, [401, 403, 404, 404]],
  ];
  for (const [at, body, expected] of table) {
    const got = [];
    for (const one of [undefined, asker.key, reader.key, key]) got.push(await statusOf(url + at, one, body));
    expect([at, got]).toEqual([at, expected]);
  }

  // A whole trial by what a deploy worker has: its settings, and nothing else.
  const deployer = openDeployer(settings, world);
  const version = await world.registry.resolve(`${CAMPAIGN}/v2`);
  const trial = await deployer.trial({ ...by('try'), candidate: { version, mode: 'canary', share: 100 } });
  expect(trial).toMatchObject({ status: 'ready' });
  expect((await deployer.observe(CAMPAIGN)).candidate).toMatchObject({ ready: true });
  expect(await statusOf(`${url}/predict`, asker.key, asked)).toBe(200);
  const [figures] = await openEvidence(settings, {}).figures(CAMPAIGN, [version.id], 60);
  expect(figures).toMatchObject({ requests: 1, errors: 0 });
  await deployer.trial({ ...by('end'), candidate: null });
});

test('with nobody asked who he is, on every address: predictions are open, what is between processes is not', async () => {
  const { settings, url } = await start({ mode: 'off' });
  expect(await statusOf(`${url}/predict`, undefined, { smiles: ['CCO'] })).toBe(200);
  expect(await statusOf(`${url}/metrics`)).toBe(200);
  expect(await statusOf(url + TRIAL)).toBe(401);
  expect(await statusOf(url + TRIAL, asker.key)).toBe(401);
  expect(await statusOf(url + TRIAL, ownKey())).toBe(200);
  expect(await openDeployer(settings, world).observe(CAMPAIGN)).toMatchObject({ status: 'ready' });
});

test("a candidate's port answers its parent alone", async () => {
  child = fork(compiledEntry('workers/candidate'), [`${CAMPAIGN}/v2`], {
    ...{ cwd: world.directory, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: environment() },
    execArgv: [],
  });
  const [ready] = (await once(child, 'message')) as [Extract<CandidateMessage, { kind: 'ready' }>];
  expect(ready.kind).toBe('ready');
  const { address, key } = ready;
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:/);
  for (const other of [undefined, asker.key, ownKey()]) {
    for (const at of ['/metrics', '/models']) expect(await statusOf(address + at, other)).toBe(401);
    expect(await statusOf(`${address}/predict`, other, { smiles: ['CCO'] })).toBe(401);
  }
  expect(await statusOf(`${address}/predict`, key, { smiles: ['CCO'] })).toBe(200);
  expect(await statusOf(`${address}/v2/health/ready`)).toBe(200);
});
