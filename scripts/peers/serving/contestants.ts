import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { compiledEntry, packageRoot } from '../../../src/foundation';
import type { LoadJob, LoadReport } from './load';
import type { BenchModel } from './models';

/** A server on a core of its own. */
export interface Contestant {
  readonly name: string;
  readonly address: string;
  readonly process: ChildProcess;
}

export interface Cores {
  readonly server: string;
  readonly load: string;
}

/** A peer that is not ready by then is not going to be. */
const READY_WITHIN_MS = 60_000;
/** Of /proc, a second. */
const TICKS = 100;

const pinned = (core: string, command: string, args: readonly string[], options: object) =>
  spawn('taskset', ['-c', core, command, ...args], { stdio: ['ignore', 'pipe', 'inherit'], ...options });

/** `titrate serve` with one thread of each kind and the cache off: everything is asked once, a cache would measure itself. */
export async function startTitrate({ directory }: BenchModel, { server }: Cores): Promise<Contestant> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-bench-'));
  const threads = { chemistry: 1, learning: 1 };
  const settings = { home: folder, threads, inference: { cacheMegabytes: 0 }, logLevel: 'warn' };
  writeFileSync(path.join(folder, 'titrate.yaml'), JSON.stringify(settings));
  const serve = ['serve', '--model', path.resolve(directory), '--port', '0', '--json'];
  const child = pinned(server, process.execPath, [compiledEntry('src/cli/main'), ...serve], { cwd: folder });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  const { address } = JSON.parse(line.toString()) as { address: string };
  return { name: 'titrate', address, process: child };
}

/** FastAPI, RDKit and ONNX Runtime: server.py. */
export async function startPeer(
  python: string,
  { onnx, directory }: BenchModel,
  cores: Cores,
): Promise<Contestant> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const script = path.join(packageRoot, 'scripts', 'peers', 'serving', 'server.py');
  const args = ['-B', script, onnx, path.join(directory, 'training.ndjson'), String(port)];
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const child = pinned(cores.server, python, args, { env });
  const address = `http://127.0.0.1:${port}`;
  for (let waited = 0; ; waited += 100) {
    if (child.exitCode !== null || waited > READY_WITHIN_MS) throw new Error('the peer does not start');
    const ready = await fetch(`${address}/v2/health/ready`).catch(() => null);
    if (ready?.ok) return { name: 'FastAPI', address, process: child };
    await wait(100);
  }
}

export async function stop({ process: child }: Contestant): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Molecules a second of the bare featurizer and the bare model on the server's core; see bare.ts. */
export function bareRate(
  { directory }: BenchModel,
  molecules: string,
  seconds: number,
  { server }: Cores,
): number {
  const args = [compiledEntry('scripts/peers/serving/bare'), directory, molecules, String(seconds)];
  const run = spawnSync('taskset', ['-c', server, process.execPath, ...args], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`the bare model failed:\n${run.stderr}`);
  return Number(run.stdout);
}

/** Load from a process of its own on the other core. */
export async function load({ load: core }: Cores, job: LoadJob): Promise<LoadReport> {
  const child = pinned(
    core,
    process.execPath,
    [compiledEntry('scripts/peers/serving/load'), JSON.stringify(job)],
    {},
  );
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error('the load generator failed');
  return JSON.parse(text) as LoadReport;
}

/** Processor time of a process with all of its threads, seconds. */
export function cpuSeconds({ process: { pid } }: Contestant): number {
  // What follows the name in brackets; utime and stime are fields 14 and 15 of the whole line (proc(5)).
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory, bytes. */
export function residentBytes({ process: { pid } }: Contestant): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return 1024 * Number(kilobytes);
}

/** Values of molecules by a server, null where it gives none. */
export async function valuesOf(
  { address }: Contestant,
  smiles: readonly string[],
): Promise<(number | null)[]> {
  const answer = await fetch(`${address}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ smiles }),
  });
  const { predictions } = (await answer.json()) as { predictions: { value?: number }[] };
  return predictions.map(({ value }) => value ?? null);
}
