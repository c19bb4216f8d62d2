import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { packageRoot } from '../../src/foundation';
import { ask, eventually, openWorld, type World } from '../serving/support/world';

const CAMPAIGN = 'solubility-42';
let world: World;
const children: ChildProcess[] = [];

/** `titrate serve` as people start it. */
function serve(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(path.join(packageRoot, 'scripts', 'titrate'), ['serve', ...args], {
    cwd: world.directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TITRATE_HOME: world.directory,
      TITRATE_CHEMISTRY_THREADS: '1',
      TITRATE_LEARNING_THREADS: '1',
      TITRATE_LEARNING_BACKEND: 'cpu',
      TITRATE_LOG_LEVEL: 'warn',
      ...env,
    },
  });
  children.push(child);
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => (said.stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (said.stderr += data.toString()));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { child, said, exited };
}

beforeAll(async () => {
  world = await openWorld();
  await world.train(CAMPAIGN);
  const version = await world.train(CAMPAIGN, 100);
  const by = { operationId: 'a', author: 'ada', reason: 'test' };
  await world.registry.moveAlias(CAMPAIGN, 'production', version, by);
});
afterAll(async () => {
  children.forEach((child) => child.kill('SIGKILL'));
  await world.close();
});

test('a version and nothing else is served, without Temporal, until SIGTERM', async () => {
  const { child, said, exited } = serve(['--model', `${CAMPAIGN}/v1`, '--port', '0', '--json']);
  const told = await eventually(
    async () =>
      said.stdout.includes('\n') && (JSON.parse(said.stdout) as { address: string; models: string[] }),
  );
  expect(told.models).toEqual([`${CAMPAIGN}/v1`]);
  const { address } = told;
  expect((await ask(`${address}/v2/health/ready`)).status).toBe(200);
  expect((await ask(`${address}/predict`, { smiles: ['CCO'] })).body).toMatchObject({
    model: CAMPAIGN,
    version: 'v1',
  });
  expect(await ask(`${address}/predict`, { model: `${CAMPAIGN}/v2`, smiles: ['CCO'] })).toMatchObject({
    status: 404,
    body: { detail: expect.stringContaining(`Known versions: ${CAMPAIGN}/v1`) },
  });
  const input = { name: 'smiles', shape: [1], datatype: 'BYTES', data: ['CCO'] };
  expect((await ask(`${address}/v2/models/${CAMPAIGN}/infer`, { inputs: [input] })).status).toBe(200);
  expect(await (await fetch(`${address}/metrics`)).text()).toContain('titrate_inference_requests_total');
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
  expect(said.stderr).toBe('');
});

test('an alias is followed, forward and back, while it serves', async () => {
  const { child, said, exited } = serve(['--model', `${CAMPAIGN}@production`, '--port', '0', '--json']);
  const { address } = await eventually(
    async () => said.stdout.includes('\n') && (JSON.parse(said.stdout) as { address: string }),
  );
  const answers = async () => (await ask(`${address}/predict`, { smiles: ['CCO'] })).body.version as string;
  expect(await answers()).toBe('v2');
  for (const number of [1, 2]) {
    const version = await world.registry.resolve(`${CAMPAIGN}/v${number}`);
    const by = { operationId: `to/${number}`, author: 'ada', reason: 'test' };
    await world.registry.moveAlias(CAMPAIGN, 'production', version, by);
    await eventually(async () => (await answers()) === `v${number}`);
  }
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
});

test('what cannot be served is one message and a failure', async () => {
  const broken = await world.registerBroken(CAMPAIGN);
  const cases: [string[], number, RegExp][] = [
    [['--model', `${CAMPAIGN}/v9`, '--port', '0'], 1, /Known versions/],
    [['--model', broken.id, '--port', '0'], 1, /cannot be loaded/],
    [['--model', `${CAMPAIGN}/v1`, '--port', 'x'], 1, /port/],
    [['--model', `${CAMPAIGN}/v1`, '--host', '0.0.0.0', '--port', '0'], 1, /TITRATE_INFERENCE_AUTH=off/],
  ];
  await Promise.all(
    cases.map(async ([args, code, text]) => {
      const { said, exited } = serve(args);
      const ended = await exited;
      expect([args, ended === code || ended === 2]).toEqual([args, true]);
      expect(said.stderr).toMatch(text);
      expect(said.stdout).toBe('');
    }),
  );
});

test('on an address that others reach it asks for a key', async () => {
  const { key, sha256 } = await import('../../src/serving/access').then(({ newApiKey }) => newApiKey());
  const { child, said, exited } = serve(
    ['--model', `${CAMPAIGN}/v1`, '--host', '0.0.0.0', '--port', '0', '--json'],
    {
      TITRATE_INFERENCE_KEYS: JSON.stringify([{ name: 'ada', sha256 }]),
    },
  );
  const { address } = await eventually(
    async () => said.stdout.includes('\n') && (JSON.parse(said.stdout) as { address: string }),
  );
  const url = address.replace('0.0.0.0', '127.0.0.1');
  expect((await ask(`${url}/predict`, { smiles: ['CCO'] })).status).toBe(401);
  const response = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: '{"smiles":["CCO"]}',
  });
  expect(response.status).toBe(200);
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
});
