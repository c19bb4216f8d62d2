import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { TitrateError } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { isAlive, runningStack, startLocalStack, type LocalStack } from '../../src/platform/local-stack';
import { program, temporaryHome, until } from './support';

const stacks: LocalStack[] = [];
const homes: string[] = [];

function freshHome() {
  const settings = temporaryHome();
  homes.push(settings.home);
  return settings;
}

afterAll(async () => {
  await Promise.all(stacks.map((stack) => stack.stop()));
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

const RESTARTED_WITHIN_MS = 60_000;
const pidsOf = (stack: LocalStack) => stack.processes().map(({ pid }) => pid!);

test('starts, restarts what is killed, refuses a second one, and leaves nothing behind', async () => {
  const settings = freshHome();
  const entries = [program(settings, 'alpha'), program(settings, 'beta')];
  const stack = await startLocalStack({ settings, ports: 'free', entries });
  stacks.push(stack);
  expect(stack.processes().map(({ name, ready }) => [name, ready])).toEqual([
    ['temporal', true],
    ['alpha', true],
    ['beta', true],
  ]);
  const run = path.join(settings.home, 'run');
  expect(runningStack(run)).toMatchObject({
    pid: process.pid,
    temporal: { port: stack.settings.temporal.port },
  });
  expect(readdirSync(run).sort()).toEqual(['alpha.pid', 'beta.pid', 'stack.json', 'temporal.pid']);

  const conflict = await startLocalStack({ settings, ports: 'free', entries }).catch(
    (error: unknown) => error,
  );
  expect(conflict).toBeInstanceOf(TitrateError);
  expect((conflict as TitrateError).code).toBe('conflict');
  expect((conflict as TitrateError).message).toContain(`process ${process.pid}`);

  const [temporalBefore, alphaBefore, betaBefore] = pidsOf(stack);
  expect(stack.kill('alpha')).toBe(alphaBefore);
  stack.kill('temporal');
  // Another test may hold the server's port for a moment once it is free: then the first restart fails, and a later one does not.
  const isBack = ({ name, restarts, ready }: ReturnType<LocalStack['processes']>[number]) =>
    ready && (name === 'beta' ? restarts === 0 : restarts >= 1);
  await until(() => stack.processes().every(isBack), 'restarts', RESTARTED_WITHIN_MS);
  const [temporalAfter, alphaAfter, betaAfter] = pidsOf(stack);
  expect(alphaAfter).not.toBe(alphaBefore);
  expect(temporalAfter).not.toBe(temporalBefore);
  expect(betaAfter).toBe(betaBefore);
  expect(() => stack.kill('gamma')).toThrow(/no process is called 'gamma'; there are temporal, alpha, beta/);

  // The server that came back kept its namespace and its retention of 90 days.
  const connection = await Connection.connect({ address: stack.address });
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(90 * 24 * 3600);
  await connection.close();

  await stack.stop();
  for (const pid of [temporalBefore, alphaBefore, temporalAfter, alphaAfter, betaAfter])
    expect(isAlive(pid!)).toBe(false);
  expect(readdirSync(run)).toEqual([]);
  const log = readFileSync(path.join(settings.home, 'logs', 'alpha.log'), 'utf8');
  expect(log).toContain('[titrate] alpha ended (SIGKILL)');
  // The worker learnt the port that was taken, not the default.
  expect(log).toContain(`worker alpha ready ${stack.settings.temporal.port}`);
}, 90_000);

test('a child that never starts fails the start with the end of its log, and nothing stays', async () => {
  const settings = freshHome();
  const broken = program(settings, 'broken', "console.error('cannot find the moon'); process.exit(3);");
  const sound = program(settings, 'sound');
  const failure = await startLocalStack({ settings, ports: 'free', entries: [broken, sound] }).catch(
    (error: unknown) => error,
  );
  expect((failure as TitrateError).code).toBe('unavailable');
  expect((failure as TitrateError).message).toMatch(
    /broken did not start \(exit code 3\).*cannot find the moon/,
  );
  expect(readdirSync(path.join(settings.home, 'run'))).toEqual([]);
}, 60_000);

test('a taken port is named together with the option that moves it', async () => {
  const settings = freshHome();
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = squatter.address() as net.AddressInfo;
  const wanted = {
    ...settings,
    inference: { ...settings.inference, port },
    temporal: { ...settings.temporal, port: 0, uiPort: 0 },
  };
  const failure = await startLocalStack({ settings: wanted, ports: 'fixed', entries: [] }).catch(
    (error: unknown) => error,
  );
  squatter.close();
  expect((failure as TitrateError).code).toBe('port-taken');
  expect((failure as TitrateError).message).toContain(`port ${port}`);
  expect((failure as TitrateError).message).toContain('--inference-port');
});

test('when the stack itself is killed its children end, the Temporal server too', async () => {
  const settings = freshHome();
  const entry = program(settings, 'alpha');
  const script = `
    const { startLocalStack } = require(${JSON.stringify(compiledEntry('src/platform/local-stack/index'))});
    const entries = [{ ...${JSON.stringify(entry)}, ready: /^worker alpha ready/ }];
    startLocalStack({ settings: ${JSON.stringify(settings)}, ports: 'free', entries }).then((s) => console.log(JSON.stringify(s.processes())));`;
  const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pids = await new Promise<number[]>((resolve) =>
    parent.stdout.once('data', (line: Buffer) =>
      resolve((JSON.parse(String(line)) as { pid: number }[]).map(({ pid }) => pid)),
    ),
  );
  expect(pids).toHaveLength(2);
  expect(pids.every(isAlive)).toBe(true);
  parent.kill('SIGKILL');
  await until(() => pids.every((pid) => !isAlive(pid)), 'the children end');
  expect(existsSync(path.join(settings.home, 'run', 'stack.json'))).toBe(true);

  // A dead stack's announcement does not keep the next one out.
  const next = await startLocalStack({ settings, ports: 'free', entries: [] });
  expect(runningStack(path.join(settings.home, 'run'))?.pid).toBe(process.pid);
  await next.stop();
}, 60_000);
