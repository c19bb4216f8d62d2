/**
 * `npm run bench:serving -- --model DIRECTORY --molecules FILE`: the inference server on one core, the load on another. Single
 * molecules, each asked once, and nothing cached: the floor, saturation, latency at half of it, a surge, and recovery; beside the bare
 * featurizer and model on that core, and, with `--python` and `--onnx`, beside the same service in FastAPI. See docs/serving.md.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compiledEntry, packageRoot } from '../src/foundation';
import { LoadGenerator, quantile, type Exchange } from './peers/serving/load';

const { values } = parseArgs({
  options: {
    /** Directory of `titrate train`. */
    model: { type: 'string' },
    /** SMILES, one a line, each another molecule. */
    molecules: { type: 'string' },
    /** Of each measurement but the surge. */
    seconds: { type: 'string', default: '20' },
    'surge-seconds': { type: 'string', default: '60' },
    /** Python with the packages of scripts/peers/serving/requirements.txt. */
    python: { type: 'string' },
    /** The model as `titrate models export` writes it, for the peer. */
    onnx: { type: 'string' },
    /** Cores of the servers and of the load. */
    core: { type: 'string', default: '0' },
    'load-core': { type: 'string', default: '1' },
    output: { type: 'string' },
  },
});

const CLIENTS = 64;
const FLOOR_REQUESTS = 300;
/** Enough that those who wait for an answer keep nobody from asking. */
const SURGE_CONNECTIONS = 8192;
const SURGE = 10;
const RECOVERED_AFTER = 5;

interface Server {
  readonly name: string;
  readonly address: string;
  readonly process: ChildProcess;
}

const pinned = (core: string, command: string, args: readonly string[], options: object) =>
  spawn('taskset', ['-c', core, command, ...args], { stdio: ['ignore', 'pipe', 'inherit'], ...options });

async function startOurs(model: string, core: string): Promise<Server> {
  // Everything is asked once: a cache would measure nothing but itself.
  const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-bench-'));
  const threads = { chemistry: 1, learning: 1 };
  const settings = { home: folder, threads, inference: { cacheMegabytes: 0 }, logLevel: 'warn' };
  writeFileSync(path.join(folder, 'titrate.yaml'), JSON.stringify(settings));
  const args = [
    compiledEntry('src/cli/main'),
    'serve',
    '--model',
    path.resolve(model),
    '--port',
    '0',
    '--json',
  ];
  const child = pinned(core, process.execPath, args, { cwd: folder });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  const { address } = JSON.parse(line.toString()) as { address: string };
  return { name: 'titrate', address, process: child };
}

async function startPeer(python: string, onnx: string, model: string, core: string): Promise<Server> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const script = path.join(packageRoot, 'scripts', 'peers', 'serving', 'server.py');
  const args = [script, onnx, path.join(model, 'training.ndjson'), String(port)];
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const child = pinned(core, python, args, { env });
  const address = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error('the peer ended before it was ready');
    if (
      await fetch(`${address}/v2/health/ready`).then(
        () => true,
        () => false,
      )
    )
      break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { name: 'FastAPI', address, process: child };
}

/** Resident memory of a process, bytes. */
function residentBytes({ pid }: ChildProcess): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return 1024 * Number(kilobytes);
}

const times = (exchanges: readonly Exchange[], wanted = 200) =>
  exchanges.filter(({ status }) => status === wanted).map(({ ms }) => ms);
const sinceSent = (exchanges: readonly Exchange[], wanted: number) =>
  exchanges.filter(({ status }) => status === wanted).map(({ sinceSentMs }) => sinceSentMs);
const of = (ms: readonly number[]) => ({ n: ms.length, p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) });

async function measure(server: Server, molecules: readonly string[], seconds: number) {
  const load = new LoadGenerator(server.address, molecules, CLIENTS);
  await load.closed(8, 3);
  const floor: Exchange[] = [];
  for (let i = 0; i < FLOOR_REQUESTS; i++) floor.push(await load.ask());
  const saturated = await load.closed(CLIENTS, seconds);
  const rate = times(saturated.exchanges).length / saturated.seconds;
  const half = await load.open(rate / 2, seconds, 1);
  load.close();
  const [idle, busy] = [of(times(floor)), of(times(half.exchanges))];
  return {
    ...{ floorMs: idle, saturation: rate, halfMs: busy, p99OverFloorMs: busy.p99 - idle.p99 },
    failed: [...saturated.exchanges, ...half.exchanges].filter(({ status }) => status !== 200).length,
  };
}

async function surge(
  server: Server,
  molecules: readonly string[],
  rate: number,
  seconds: number,
  limitMs: number,
) {
  const load = new LoadGenerator(server.address, molecules, SURGE_CONNECTIONS);
  const before = residentBytes(server.process);
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, residentBytes(server.process))), 250);
  const { exchanges, seconds: took } = await load.open(SURGE * rate, seconds, 2);
  clearInterval(watch);
  const ended = performance.now();
  let recovered = NaN;
  for (let quick = 0; performance.now() - ended < 30_000;) {
    const { ms, status } = await load.ask();
    quick = status === 200 && ms <= limitMs ? quick + 1 : 0;
    if (quick === 20 && (recovered = (performance.now() - ended) / 1000)) break;
  }
  load.close();
  const statuses: Record<string, number> = {};
  for (const { status } of exchanges) statuses[status] = (statuses[status] ?? 0) + 1;
  return {
    ...{ asked: exchanges.length, askedPerSecond: exchanges.length / took, statuses },
    servedMs: of(times(exchanges)),
    refusedMs: of(times(exchanges, 429)),
    /** From the moment that a request was really sent: a load generator that falls behind is no server that does. */
    refusedSinceSentMs: of(sinceSent(exchanges, 429)),
    memoryMegabytes: { before: before / 1e6, most: most / 1e6, after: residentBytes(server.process) / 1e6 },
    recoveredSeconds: recovered,
  };
}

async function main(): Promise<void> {
  const { model, molecules: file, python, onnx, core } = values;
  if (!model || !file) throw new Error('--model DIRECTORY and --molecules FILE are needed');
  spawnSync('taskset', ['-cp', values['load-core'], String(process.pid)]);
  const molecules = readFileSync(file, 'utf8').trim().split('\n');
  const seconds = Number(values.seconds);
  const say = (line: string) => process.stderr.write(`${line}\n`);

  say('bare featurizer and model');
  const script = compiledEntry('scripts/peers/serving/bare');
  const bareRun = spawnSync('taskset', ['-c', core, process.execPath, script, model, file, String(seconds)]);
  if (bareRun.status !== 0) throw new Error(bareRun.stderr.toString());
  const bare = Number(bareRun.stdout.toString());

  say('titrate');
  const ours = await startOurs(model, core);
  const figures = await measure(ours, molecules, seconds);
  say('surge');
  const limitMs = figures.floorMs.p99 + 25;
  const surged = await surge(ours, molecules, figures.saturation, Number(values['surge-seconds']), limitMs);
  const alive = ours.process.exitCode === null;
  ours.process.kill('SIGTERM');
  await once(ours.process, 'exit');

  let peer = null;
  if (python && onnx) {
    say('FastAPI');
    const server = await startPeer(python, onnx, model, core);
    peer = await measure(server, molecules, seconds);
    server.process.kill('SIGTERM');
  }
  const report = {
    ...{ molecules: molecules.length, cpu: os.cpus()[0]?.model, node: process.version, bare },
    titrate: { ...figures, ofBare: figures.saturation / bare },
    surge: { ...surged, alive, recoveredInTime: surged.recoveredSeconds <= RECOVERED_AFTER },
    peer: peer && { ...peer, ratio: figures.saturation / peer.saturation },
  };
  const text = `${JSON.stringify(report, (_key, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value), 2)}\n`;
  process.stdout.write(text);
  if (values.output) writeFileSync(values.output, text);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
