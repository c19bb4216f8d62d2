import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { compiledEntry } from '../../src/foundation';
import { ask, eventually, openWorld, type World } from './support/world';

const CAMPAIGN = 'solubility-42';
let world: World;
const children: ChildProcess[] = [];

function startProcess(port: number, channel: 'ipc' | 'ignore' = 'ignore') {
  const child = spawn(process.execPath, [compiledEntry('workers/inference')], {
    cwd: world.directory,
    stdio: ['ignore', 'pipe', 'pipe', channel],
    env: {
      ...process.env,
      TITRATE_HOME: world.directory,
      TITRATE_INFERENCE_HOST: '127.0.0.1',
      TITRATE_INFERENCE_PORT: String(port),
      TITRATE_CHEMISTRY_THREADS: '1',
      TITRATE_LEARNING_THREADS: '1',
      TITRATE_LEARNING_BACKEND: 'cpu',
      TITRATE_LOG_LEVEL: 'warn',
    },
  });
  children.push(child);
  const said = { stdout: '', stderr: '' };
  child.stdout!.on('data', (data: Buffer) => (said.stdout += data.toString()));
  child.stderr!.on('data', (data: Buffer) => (said.stderr += data.toString()));
  // 'close' comes when all output is there; Node leaves it out for a channel that the parent itself closes.
  const exited = once(child, child.channel ? 'exit' : 'close').then(([code]) => code as number | null);
  return { child, said, exited };
}

beforeAll(async () => {
  world = await openWorld();
  const { id } = await world.train(CAMPAIGN);
  await world.pointers.move(`serving/${CAMPAIGN}`, id, { operationId: 'a', author: 'ada', reason: 'test' });
});
afterAll(async () => {
  children.forEach((child) => child.kill('SIGKILL'));
  await world.close();
});

test('says one line when ready, predicts with what is live, and leaves with code 0 on SIGTERM', async () => {
  const { child, said, exited } = startProcess(0);
  const url = await eventually(async () => /^inference listening on (http:\S+)\n/.exec(said.stdout)?.[1]);
  expect(await ask(`${url}/predict`, { smiles: ['CCO'] })).toMatchObject({
    status: 200,
    body: { model: CAMPAIGN, version: 'v1' },
  });
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
  expect(said).toEqual({ stdout: `inference listening on ${url}\n`, stderr: '' });
});

test('leaves when its parent does', async () => {
  const { child, said, exited } = startProcess(0, 'ipc');
  await eventually(async () => said.stdout);
  child.disconnect();
  expect(await exited).toBe(0);
});

test('a taken port is one line and code 1', async () => {
  const rival = createServer().listen(0, '127.0.0.1');
  await once(rival, 'listening');
  const { port } = rival.address() as AddressInfo;
  const { said, exited } = startProcess(port);
  expect(await exited).toBe(1);
  expect(said).toEqual({
    stdout: '',
    stderr: expect.stringMatching(
      new RegExp(`^inference: 127.0.0.1:${port}: .*TITRATE_INFERENCE_PORT\\.\\n$`),
    ),
  });
  rival.close();
});
