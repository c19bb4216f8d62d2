import { TitrateError } from '../contracts';
import type { CancelSignal } from '../foundation';
import { HttpProblem } from './problems';

export interface AdmissionOptions {
  /** Molecules in work or waiting, over all requests, at most. */
  readonly maxMolecules: number;
  /** What waits longer than this is better refused at once, milliseconds: the queue is kept as short as the measured rate asks. */
  readonly maxWaitMs: number;
}

/** However slow the models are, as many molecules may wait. */
const FLOOR_MOLECULES = 64;
/** Weight of the newest stretch in the measured rate, and how long a stretch is, milliseconds. */
const SMOOTHING = 0.3;
const STRETCH_MS = 250;

/**
 * The bound on what is in work. It follows the rate at which molecules are done, so that what was let in is answered in about
 * `maxWaitMs`, and refuses the rest at once.
 */
export class Admission {
  private held = 0;
  /** Molecules a millisecond while there was work; null before the first stretch. */
  private rate: number | null = null;
  private busySince = 0;
  private done = 0;
  private readonly waiting: { readonly molecules: number; readonly resolve: () => void }[] = [];

  constructor(private readonly options: AdmissionOptions) {}

  /** Molecules in work or waiting. */
  get molecules(): number {
    return this.held;
  }

  get limit(): number {
    const { maxMolecules, maxWaitMs } = this.options;
    const inTime = this.rate === null ? maxMolecules : Math.round(this.rate * maxWaitMs);
    return Math.min(maxMolecules, Math.max(FLOOR_MOLECULES, inTime));
  }

  /** Whether no request can be let in, whatever it asks for. */
  get isFull(): boolean {
    return this.held >= this.limit;
  }

  /** Whether a request could be let in, for all that is known before its body is read. @throws HttpProblem 429 overloaded */
  check(): void {
    if (this.isFull) throw this.overloaded();
  }

  /** A lone request always gets in, however the limits are set. @throws HttpProblem 429 overloaded */
  enter(molecules: number): void {
    if (this.held > 0 && this.held + molecules > this.limit) throw this.overloaded();
    this.hold(molecules);
  }

  /** For streams: waits its turn, and leaves half of the room to requests that do not wait. */
  async enterInTurn(molecules: number, signal: CancelSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.waiting.length === 0 && this.hasRoomFor(molecules)) return this.hold(molecules);
    await new Promise<void>((resolve, reject) => {
      const turn = { molecules, resolve: () => (signal.removeEventListener('abort', leave), resolve()) };
      const leave = () => {
        const at = this.waiting.indexOf(turn);
        if (at < 0) return;
        this.waiting.splice(at, 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.waiting.push(turn);
    });
  }

  leave(molecules: number): void {
    this.held -= molecules;
    this.count(molecules);
    while (this.waiting.length && this.hasRoomFor(this.waiting[0]!.molecules)) {
      const turn = this.waiting.shift()!;
      this.hold(turn.molecules);
      turn.resolve();
    }
  }

  private hasRoomFor(molecules: number): boolean {
    return this.held === 0 || this.held + molecules <= this.limit / 2;
  }

  private hold(molecules: number): void {
    if (this.held === 0) {
      this.busySince = performance.now();
      this.done = 0;
    }
    this.held += molecules;
  }

  private count(molecules: number): void {
    this.done += molecules;
    const now = performance.now();
    const passed = now - this.busySince;
    if (passed < STRETCH_MS) return;
    const latest = this.done / passed;
    this.rate = this.rate === null ? latest : (1 - SMOOTHING) * this.rate + SMOOTHING * latest;
    this.busySince = now;
    this.done = 0;
  }

  /** What is said to a request that cannot be let in now. */
  overloaded(): HttpProblem {
    const seconds = this.rate ? Math.max(1, Math.ceil(this.held / this.rate / 1000)) : 1;
    const error = new TitrateError('overloaded', {
      what: `${this.held} molecules are in work, and at most ${this.limit} may be`,
      remedy: `Try again in ${seconds} s, or send large sets to /predict/batch, which waits its turn`,
    });
    return new HttpProblem(error.status, error, seconds);
  }
}
