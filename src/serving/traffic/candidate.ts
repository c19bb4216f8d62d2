import type { ChildProcess } from 'node:child_process';
import type { CandidateAddress } from './forward';

/** What a candidate's process tells its parent. */
export type CandidateMessage =
  /** Where it answers, and to whom: whoever has the key, which its parent alone is told. */
  | ({ readonly kind: 'ready' } & CandidateAddress)
  /** It cannot serve this version, and ends. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'memory'; readonly bytes: number };

export interface CandidateLimits {
  /** How long it may take until it can answer, milliseconds. */
  readonly readyWithinMs: number;
  /** Resident memory beyond what it had when it was ready, bytes. */
  readonly maxGrowthBytes: number;
}

export type CandidateState =
  | { readonly kind: 'starting' }
  | ({ readonly kind: 'ready' } & CandidateAddress)
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'stopped' };

/** Last lines of standard error that are kept to say why a process ended. */
const KEPT_ERRORS = 2000;
/** After SIGTERM it finishes what it has begun; then it is ended, milliseconds. */
const GRACE_MS = 10_000;
/** Molecules are loaded and threads warm up in the first seconds: what is normal is measured after them, milliseconds. */
const SETTLED_AFTER_MS = 2000;
const MIB = 2 ** 20;

/**
 * The process of its own in which a candidate answers. Whatever becomes of it, the model that serves goes on; a candidate that
 * never is ready, ends, or grows beyond its limit has failed, and says why.
 */
export class Candidate {
  private current: CandidateState = { kind: 'starting' };
  private baseline: number | null = null;
  private readySince = 0;
  private memory = 0;
  private errors = '';
  private readonly exited: Promise<void>;
  private readonly timer: NodeJS.Timeout;
  private readonly waiting: (() => void)[] = [];

  constructor(
    readonly version: string,
    private readonly process: ChildProcess,
    private readonly limits: CandidateLimits,
  ) {
    process.stderr?.on('data', (data: Buffer) => {
      this.errors = (this.errors + data.toString('utf8')).slice(-KEPT_ERRORS);
    });
    process.stdout?.resume();
    process.on('message', (message) => this.told(message as CandidateMessage));
    process.on('error', (error) => this.fail(`its process could not be started: ${error.message}`));
    this.exited = new Promise((resolve) =>
      process.once('exit', (code, signal) => {
        this.fail(`its process ended ${signal ? `on ${signal}` : `with code ${code}`}${this.lastWords()}`);
        resolve();
      }),
    );
    this.timer = setTimeout(
      () => this.fail(`it was not ready within ${limits.readyWithinMs / 1000} s${this.lastWords()}`),
      limits.readyWithinMs,
    );
  }

  get state(): CandidateState {
    return this.current;
  }

  get pid(): number | null {
    return this.process.pid ?? null;
  }

  /** Resident, bytes; 0 before it has told. */
  get memoryBytes(): number {
    return this.memory;
  }

  /** Resolves when it is no longer starting. */
  async settled(): Promise<CandidateState> {
    if (this.current.kind === 'starting') await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.current;
  }

  /** Lets it finish what it has begun, and ends it. */
  async stop(): Promise<void> {
    if (this.current.kind === 'starting' || this.current.kind === 'ready') this.enter({ kind: 'stopped' });
    await this.end('SIGTERM');
  }

  private told(message: CandidateMessage): void {
    if (message.kind === 'failed') this.fail(message.message);
    else if (message.kind === 'memory') this.weigh(message.bytes);
    else if (this.current.kind === 'starting') {
      this.readySince = performance.now();
      this.enter({ kind: 'ready', address: message.address, key: message.key });
    }
  }

  private weigh(bytes: number): void {
    this.memory = bytes;
    if (this.current.kind !== 'ready') return;
    if (this.baseline === null) {
      if (performance.now() - this.readySince >= SETTLED_AFTER_MS) this.baseline = bytes;
      return;
    }
    if (bytes - this.baseline <= this.limits.maxGrowthBytes) return;
    const grown = `${Math.round(this.baseline / MIB)} to ${Math.round(bytes / MIB)} MiB`;
    this.fail(
      `its memory grew from ${grown}, and ${Math.round(this.limits.maxGrowthBytes / MIB)} MiB more are allowed`,
    );
  }

  private fail(message: string): void {
    if (this.current.kind !== 'starting' && this.current.kind !== 'ready') return;
    this.enter({ kind: 'failed', message });
    void this.end('SIGKILL');
  }

  private enter(state: CandidateState): void {
    clearTimeout(this.timer);
    this.current = state;
    this.waiting.splice(0).forEach((resolve) => resolve());
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { exitCode, signalCode, pid } = this.process;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), GRACE_MS);
    await this.exited;
    clearTimeout(timer);
  }

  private lastWords(): string {
    const line = this.errors.trim().split('\n').at(-1);
    return line ? `: ${line.slice(0, 300)}` : '';
  }
}
