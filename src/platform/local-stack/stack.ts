import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { TASK_QUEUES, TitrateError } from '../../contracts';
import { compiledEntry } from '../../foundation';
import { homePaths, type Settings } from '../settings';
import { speaksTls } from '../temporal-connection';
import { SupervisedChild, type ChildSpec } from './child';
import { settingsEnvironment } from './environment';
import type { GuardMessage } from './guard';
import { freePorts, metricsPorts, requireFreePorts } from './ports';
import { markOf } from './processes';
import { RunDirectory } from './run-directory';
import { findTemporalCli } from './temporal-cli';
import { temporalServer } from './temporal-server';

/** Workers finish or hand back what they do before the end; the server writes its log out. Milliseconds. */
const WORKER_GRACE_MS = 15_000;
const SERVER_GRACE_MS = 10_000;
/** A worker loads RDKit, TensorFlow.js and the workflow bundle before it is ready. */
const READY_WITHIN_MS = 120_000;

export interface StackEntry {
  readonly name: string;
  /** A compiled JavaScript file. */
  readonly file: string;
  /** The line on its standard output that says it is ready. */
  readonly ready: RegExp;
}

/** One worker for each task queue, and the inference server. */
export const STACK_ENTRIES: readonly StackEntry[] = [
  ...TASK_QUEUES.map((queue) => ({
    name: queue,
    file: compiledEntry(`workers/${queue}`),
    ready: new RegExp(`^worker ${queue} ready`),
  })),
  { name: 'inference', file: compiledEntry('workers/inference'), ready: /^inference listening on / },
];

export interface LocalStackOptions {
  readonly settings: Settings;
  /** 'fixed': those of the settings, an error when taken. 'free': any that are free. */
  readonly ports: 'fixed' | 'free';
  /** Default: <home>/logs. One file a process. */
  readonly logDirectory?: string;
  /** Processes beside the Temporal server. Default: STACK_ENTRIES. */
  readonly entries?: readonly StackEntry[];
  /** Aborted while the stack starts: what had started is stopped, and the start rejects with `cancelled`. */
  readonly signal?: AbortSignal;
}

export interface StackProcess {
  readonly name: string;
  readonly pid: number | null;
  readonly ready: boolean;
  readonly restarts: number;
}

export interface MetricsPlace {
  readonly name: string;
  readonly url: string;
}

export interface StackEvents {
  started: [name: string, pid: number];
  ready: [name: string];
  exited: [name: string, code: number | null, signal: NodeJS.Signals | null];
  restarting: [name: string, inMilliseconds: number];
  /** A process of an earlier, killed run that was ended at the start. */
  orphan: [name: string];
}

export interface LocalStack {
  /** The settings with the ports that were taken. */
  readonly settings: Settings;
  /** host:port of the Temporal server. */
  readonly address: string;
  readonly uiUrl: string;
  readonly inferenceUrl: string;
  /** Where each process answers for its metrics; of the inference server beside what it is there for. */
  readonly metrics: readonly MetricsPlace[];
  readonly events: EventEmitter<StackEvents>;
  processes(): StackProcess[];
  /** Kills one process, by default with SIGKILL; it is started again. @throws not-found with the known names. */
  kill(name: string, signal?: NodeJS.Signals): number | null;
  /** Resolves when the process `name` is ready, again or still. */
  whenReady(name: string): Promise<void>;
  /** Ends everything in order; nothing is left running. */
  stop(): Promise<void>;
}

/** Keeps the guard process and tells it who runs. */
class Guard {
  private process: ChildProcess | null = null;
  private stopping = false;

  constructor(private readonly children: () => readonly SupervisedChild[]) {
    this.spawn();
  }

  private spawn(): void {
    const guard = spawn(process.execPath, [compiledEntry('src/platform/local-stack/guard')], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      detached: true,
    });
    guard.on('error', () => {});
    guard.once('exit', () => {
      if (!this.stopping) this.spawn();
    });
    this.process = guard;
    this.update();
  }

  update(): void {
    const pids = this.children().flatMap((child) => (child.pid ? [child.pid] : []));
    const message: GuardMessage = { children: pids.map(markOf) };
    if (this.process?.connected) this.process.send(message, () => {});
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const guard = this.process;
    if (!guard || guard.exitCode !== null || guard.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => guard.once('exit', () => resolve()));
    if (guard.connected) guard.disconnect();
    else guard.kill('SIGKILL');
    await gone;
  }
}

async function settle(settings: Settings, ports: 'fixed' | 'free'): Promise<Settings> {
  const { temporal, inference } = settings;
  if (speaksTls(settings)) {
    throw new TitrateError('config-invalid', {
      what: 'the server that is started here speaks no TLS and takes no API key: these are of a server elsewhere',
      where: 'temporal.tls, temporal.apiKeyFile or TITRATE_TEMPORAL_API_KEY',
      remedy: 'Unset them, or start the workers alone: node dist/workers/all.js',
    });
  }
  if (ports === 'free') {
    const [port, uiPort, inferencePort] = await freePorts(temporal.host, 3);
    return {
      ...settings,
      temporal: { ...temporal, port: port!, uiPort: uiPort! },
      inference: { ...inference, port: inferencePort! },
    };
  }
  await requireFreePorts([
    { what: 'the Temporal server', host: temporal.host, port: temporal.port, option: '--temporal-port' },
    { what: "Temporal's web page", host: temporal.host, port: temporal.uiPort, option: '--ui-port' },
    { what: 'the inference server', host: inference.host, port: inference.port, option: '--inference-port' },
  ]);
  return settings;
}

/** Several processes on one machine: each has a port of its own for its metrics, the one of the settings and those after it. */
async function portsOfMetrics({ metrics }: Settings, ports: 'fixed' | 'free', count: number) {
  const { mode, host, port } = metrics;
  if (mode === 'off') return [];
  if (port !== undefined) return Array.from({ length: count }, (_, nth) => port + nth);
  return ports === 'free' ? freePorts(host, count) : metricsPorts(host, count);
}

const withMetricsPort = ({ metrics, ...rest }: Settings, port: number | undefined): Settings => ({
  ...rest,
  metrics: { ...metrics, port },
});

function entrySpec(entry: StackEntry, settings: Settings, logDirectory: string): ChildSpec {
  return {
    name: entry.name,
    command: process.execPath,
    args: ['--enable-source-maps', entry.file],
    env: settingsEnvironment(settings),
    cwd: settings.workingDirectory,
    logFile: path.join(logDirectory, `${entry.name}.log`),
    ipc: true,
    ready: entry.ready,
    readyWithinMs: READY_WITHIN_MS,
  };
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const cancelled = () => new TitrateError('cancelled', { what: 'the start was cancelled' });
  if (signal.aborted) throw cancelled();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', (onAbort = () => reject(cancelled()))),
  );
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Starts the whole system on this machine: Temporal's development server, a worker for each task queue, the inference server.
 * A process that dies is started again; the others go on. One stack a home directory.
 * @returns when all are ready.
 * @throws TitrateError conflict (one runs here), port-taken, dependency-missing, unavailable (a process that will not start,
 * with the end of its log), cancelled. Whatever had been started by then is stopped.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { entries = STACK_ENTRIES } = options;
  const logDirectory = options.logDirectory ?? homePaths(options.settings).logs;
  const missing = entries.find((entry) => !existsSync(entry.file));
  if (missing) {
    throw new TitrateError('dependency-missing', {
      what: 'the program has not been built',
      where: missing.file,
      remedy: 'Run: npm run build',
    });
  }
  const cli = findTemporalCli();
  const runDirectory = new RunDirectory(homePaths(options.settings).run);
  const describe = ({ temporal, inference, workingDirectory }: Settings) => ({
    temporal,
    inference,
    workingDirectory,
    startedAt: new Date().toISOString(),
  });
  const events = new EventEmitter<StackEvents>();
  const orphans = await runDirectory.claim(describe(options.settings));

  const children: SupervisedChild[] = [];
  let guard: Guard | null = null;
  const add = (spec: ChildSpec): SupervisedChild => {
    const child = new SupervisedChild(spec);
    children.push(child);
    child.on('started', (pid) => {
      void runDirectory.writePid(spec.name, pid);
      guard?.update();
      events.emit('started', spec.name, pid);
    });
    child.on('ready', () => events.emit('ready', spec.name));
    child.on('exited', (code, signal) => {
      guard?.update();
      events.emit('exited', spec.name, code, signal);
    });
    child.on('restarting', (pause) => events.emit('restarting', spec.name, pause));
    return child;
  };
  let stopped: Promise<void> | null = null;
  const stop = () =>
    (stopped ??= (async () => {
      const [server, ...others] = children;
      await Promise.all(others.map((child) => child.stop(WORKER_GRACE_MS)));
      await server?.stop(SERVER_GRACE_MS);
      await guard?.stop();
      for (const child of children) runDirectory.removePid(child.spec.name);
      runDirectory.release();
    })());

  try {
    const settings = await settle(options.settings, options.ports);
    const metricsPort = await portsOfMetrics(settings, options.ports, entries.length);
    const metrics = entries.flatMap(({ name }, nth): MetricsPlace[] => {
      if (name === 'inference')
        return [{ name, url: `http://${settings.inference.host}:${settings.inference.port}/metrics` }];
      const port = metricsPort[nth];
      return port === undefined ? [] : [{ name, url: `http://${settings.metrics.host}:${port}/metrics` }];
    });
    await runDirectory.announce({ ...describe(settings), metrics });
    guard = new Guard(() => children);
    const server = add(temporalServer(settings, cli, path.join(logDirectory, 'temporal.log')));
    const { signal } = options;
    await untilAborted(server.start(), signal);
    await untilAborted(
      Promise.all(
        entries.map((entry, nth) =>
          add(entrySpec(entry, withMetricsPort(settings, metricsPort[nth]), logDirectory)).start(),
        ),
      ),
      signal,
    );
    const find = (name: string) => {
      const child = children.find(({ spec }) => spec.name === name);
      if (child) return child;
      const known = children.map(({ spec }) => spec.name).join(', ');
      throw new TitrateError('not-found', { what: `no process is called '${name}'; there are ${known}` });
    };
    setImmediate(() => orphans.forEach((name) => events.emit('orphan', name)));
    return {
      settings,
      address: `${settings.temporal.host}:${settings.temporal.port}`,
      uiUrl: `http://${settings.temporal.host}:${settings.temporal.uiPort}`,
      inferenceUrl: `http://${settings.inference.host}:${settings.inference.port}`,
      metrics,
      events,
      processes: () =>
        children.map((child) => ({
          name: child.spec.name,
          pid: child.pid,
          ready: child.isReady,
          restarts: child.restarts,
        })),
      kill: (name, signal) => find(name).kill(signal),
      whenReady: async (name) => {
        const child = find(name);
        if (!child.isReady) await new Promise<void>((resolve) => child.once('ready', () => resolve()));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
