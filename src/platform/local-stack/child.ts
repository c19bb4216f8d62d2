import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  type WriteStream,
} from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { TitrateError } from '../../contracts';
import { signalGroup, signalTree, sleep } from './processes';

/** Pauses between restarts: doubled from the first to the last, milliseconds. */
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 15_000;
/** A child that ran this long was sound: the next pause is the first one again. */
const SOUND_AFTER_MS = 60_000;
/** A child that never got ready in this many tries will not: the start is given up. */
const START_TRIES = 4;
/** Lines at the end of a log among which the reason of a failed start is looked for. */
const TAIL_LINES = 50;
/** A larger log is moved aside when its process starts, bytes. */
const LOG_LIMIT = 20 * 1024 * 1024;

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly logFile: string;
  /** Whether the child gets an IPC channel, on whose end it ends itself. */
  readonly ipc: boolean;
  /** The line on standard output that says it is ready; or a probe that resolves when it is, and is aborted with the child. */
  readonly ready: RegExp | ((signal: AbortSignal) => Promise<void>);
  /** Longest time from start to ready, milliseconds. */
  readonly readyWithinMs: number;
}

export interface ChildEvents {
  started: [pid: number];
  ready: [];
  exited: [code: number | null, signal: NodeJS.Signals | null];
  restarting: [inMilliseconds: number];
}

/** The last lines of a log that say something of a failure: of lines of JSON what they tell, unless all was well. */
function endOf(log: string): string[] {
  const lines = log.trim().split('\n').slice(-TAIL_LINES);
  return lines.flatMap((line) => wordsOf(line) ?? []).slice(-3);
}

function wordsOf(line: string): string | null {
  if (!line.startsWith('{')) return line;
  try {
    const { severity, message, error } = JSON.parse(line) as Record<string, unknown>;
    if (typeof message !== 'string') return line;
    if (severity === 'INFO' || severity === 'DEBUG') return null;
    return typeof error === 'string' ? `${message}: ${error}` : message;
  } catch {
    return line;
  }
}

/** One child process that is started again whenever it dies, with growing pauses, until it is stopped. */
export class SupervisedChild extends EventEmitter<ChildEvents> {
  private process: ChildProcess | null = null;
  private stopping = false;
  private everReady = false;
  private ready = false;
  private failedTries = 0;
  private pause = FIRST_PAUSE_MS;
  private log: WriteStream | null = null;
  private loop: Promise<void> | null = null;
  private wake: () => void = () => {};
  restarts = 0;

  constructor(readonly spec: ChildSpec) {
    super();
  }

  get pid(): number | null {
    return this.process?.pid ?? null;
  }

  get isReady(): boolean {
    return this.ready;
  }

  /** Starts supervising. @returns when ready. @throws TitrateError unavailable with the end of the log after several failed tries. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.once('ready', resolve);
      this.loop = this.supervise(reject);
    });
  }

  private async supervise(giveUp: (error: Error) => void): Promise<void> {
    while (!this.stopping) {
      const startedAt = performance.now();
      const { code, signal } = await this.runOnce();
      this.emit('exited', code, signal);
      if (this.stopping) return;
      if (!this.everReady && ++this.failedTries >= START_TRIES) {
        giveUp(this.startFailure(code, signal));
        return;
      }
      if (performance.now() - startedAt > SOUND_AFTER_MS) this.pause = FIRST_PAUSE_MS;
      this.emit('restarting', this.pause);
      await Promise.race([sleep(this.pause), new Promise<void>((resolve) => (this.wake = resolve))]);
      this.pause = Math.min(LAST_PAUSE_MS, this.pause * 2);
      this.restarts++;
    }
  }

  private startFailure(code: number | null, signal: NodeJS.Signals | null): TitrateError {
    const tail = existsSync(this.spec.logFile)
      ? endOf(readFileSync(this.spec.logFile, 'utf8')).join(' | ').slice(-600)
      : '';
    return new TitrateError('unavailable', {
      what: `${this.spec.name} did not start (${signal ?? `exit code ${code}`})${tail ? `; its log ends: ${tail}` : ''}`,
      remedy: `The whole log is ${this.spec.logFile}`,
    });
  }

  private runOnce(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const { command, args, env, cwd, ipc, ready, readyWithinMs, name } = this.spec;
    this.openLog();
    // Its own process group: Ctrl-C in the terminal must reach the parent alone, which stops the children in order.
    const child = spawn(command, [...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
      detached: true,
    });
    this.process = child;
    this.ready = false;
    const life = new AbortController();
    const becomeReady = () => {
      if (life.signal.aborted || this.ready) return;
      this.ready = this.everReady = true;
      clearTimeout(timer);
      this.emit('ready');
    };
    const timer = setTimeout(() => {
      this.write(`[titrate] ${name} was not ready within ${readyWithinMs / 1000} s and is started again\n`);
      if (child.pid) signalTree(child.pid, 'SIGKILL');
    }, readyWithinMs);
    child.stderr!.on('data', (chunk: Buffer) => this.write(chunk));
    readline.createInterface({ input: child.stdout! }).on('line', (line) => {
      this.write(`${line}\n`);
      if (ready instanceof RegExp && ready.test(line)) becomeReady();
    });
    if (child.pid) this.emit('started', child.pid);
    if (typeof ready === 'function') ready(life.signal).then(becomeReady, () => {});
    return new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        clearTimeout(timer);
        life.abort();
        this.ready = false;
        this.process = null;
        this.write(`[titrate] ${name} ended (${signal ?? `exit code ${code}`})\n`);
        resolve({ code, signal });
      };
      child.once('exit', end);
      child.once('error', (error) => {
        this.write(`[titrate] ${name} could not be run: ${error.message}\n`);
        if (child.pid === undefined) end(null, null);
      });
    });
  }

  private openLog(): void {
    if (this.log) return;
    const { logFile } = this.spec;
    mkdirSync(path.dirname(logFile), { recursive: true });
    if (existsSync(logFile) && statSync(logFile).size > LOG_LIMIT) renameSync(logFile, `${logFile}.1`);
    this.log = createWriteStream(logFile, { flags: 'a' });
  }

  /** What a process said just before its end may come through its pipe after the end was seen, and after the log was closed. */
  private write(text: string | Buffer): void {
    if (this.log && !this.log.writableEnded) this.log.write(text);
  }

  /** Sends a signal to the running process, by default SIGKILL; it will be started again. @returns the id it had, or null. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): number | null {
    const pid = this.pid;
    if (pid) this.process!.kill(signal);
    return pid;
  }

  /** SIGTERM, up to `graceMs`, then SIGKILL to it and its group. Resolves when it has ended and will not start again. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    this.wake();
    const pid = this.pid;
    if (pid) {
      this.process!.kill('SIGTERM');
      const killer = setTimeout(() => signalTree(pid, 'SIGKILL'), graceMs);
      await this.loop;
      clearTimeout(killer);
      signalGroup(pid, 'SIGKILL');
    }
    await this.loop;
    await new Promise<void>((resolve) => (this.log ? this.log.end(resolve) : resolve()));
  }
}
