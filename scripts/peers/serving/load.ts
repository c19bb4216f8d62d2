/**
 * `node load.js JOB`: a process that puts load on `POST /predict`, a molecule a request, and prints what came of it as JSON. The job is
 * JSON, see `LoadJob`. It uses sockets and requests made beforehand, so that it can ask for many times what the server can answer.
 */
import { readFileSync } from 'node:fs';
import { createRandom } from '../../../src/foundation';
import { Connection, requestBytes } from './connection';

interface Common {
  readonly address: string;
  /** SMILES, one a line, asked for in turn from the `from`th on. */
  readonly molecules: string;
  readonly from: number;
  readonly connections: number;
}

export type LoadJob = Common &
  (
    | /** Each connection asks again as soon as it has its answer. */
      { readonly kind: 'closed'; readonly seconds: number }
      /** One connection asks so often, one request after another. */
    | { readonly kind: 'serial'; readonly requests: number }
    /** Poisson arrivals a second, sent whatever has come back. */
    | { readonly kind: 'open'; readonly rate: number; readonly seconds: number; readonly seed: number }
    /** Single requests until 20 in a row are answered 200 within `withinMs`. */
    | { readonly kind: 'recovery'; readonly withinMs: number }
  );

/** Milliseconds from when a request was due. */
export interface Times {
  readonly n: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  /** Of those that took no more than REFUSAL_MS, the share. */
  readonly within50: number | null;
}

export interface LoadReport {
  readonly seconds: number;
  /** By status; '0' for a connection that broke. */
  readonly byStatus: Readonly<Record<string, Times>>;
  /** The same from when its bytes went to a socket: what a generator that falls behind adds is not in it. */
  readonly sinceSent: Readonly<Record<string, Times>>;
  /** The worst by which the generator itself sent a request late, and how many waited for a free connection. */
  readonly sentLateMs: number;
  readonly waited: number;
  /** `recovery`: until the first of the quick ones, seconds; null when that did not come in 30 s. */
  readonly recoveredSeconds?: number | null;
}

/** What a refusal may take, milliseconds. */
const REFUSAL_MS = 50;
const QUICK_ONES = 20;
const RECOVERY_LIMIT_MS = 30_000;
/** Connections opened at a time: a backlog has an end. */
const OPENED_TOGETHER = 128;
/** How long before a request is due the timer is left for the event loop's own turns, milliseconds. */
const SPIN_MS = 2;

class Load {
  private readonly requests: readonly Buffer[];
  private readonly all: Connection[];
  private readonly free: Connection[] = [];
  private readonly waiting: number[] = [];
  private readonly times = new Map<number, number[]>();
  private readonly sinceSent = new Map<number, number[]>();
  private next: number;
  private underWay = 0;
  private idle: (() => void) | null = null;
  private sentLateMs = 0;
  private waited = 0;

  constructor(private readonly job: LoadJob) {
    const { hostname, port, host } = new URL(job.address);
    const lines = readFileSync(job.molecules, 'utf8').trim().split('\n');
    this.requests = lines.map((smiles) => requestBytes(host, smiles));
    this.next = job.from;
    this.all = Array.from({ length: job.connections }, () => new Connection(hostname, Number(port)));
  }

  async run(): Promise<LoadReport> {
    for (let at = 0; at < this.all.length; at += OPENED_TOGETHER)
      await Promise.all(this.all.slice(at, at + OPENED_TOGETHER).map((connection) => connection.open()));
    this.free.push(...this.all);
    const started = performance.now();
    const extra = await this.work(started);
    const seconds = (performance.now() - started) / 1000;
    for (const connection of this.all) connection.close();
    const [byStatus, sinceSent] = [summary(this.times), summary(this.sinceSent)];
    return { seconds, byStatus, sinceSent, sentLateMs: this.sentLateMs, waited: this.waited, ...extra };
  }

  private async work(started: number): Promise<Pick<LoadReport, 'recoveredSeconds'>> {
    const { job } = this;
    switch (job.kind) {
      case 'closed': {
        const end = started + 1000 * job.seconds;
        const again = async () => {
          while (performance.now() < end) await this.ask();
        };
        await Promise.all(this.all.map(again));
        return {};
      }
      case 'serial':
        for (let i = 0; i < job.requests; i++) await this.ask();
        return {};
      case 'open':
        await this.arrivals(job, started);
        return {};
      case 'recovery': {
        let quick = 0;
        let first = started;
        while (performance.now() - started < RECOVERY_LIMIT_MS) {
          const asked = performance.now();
          const status = await this.ask();
          const isQuick = status === 200 && performance.now() - asked <= job.withinMs;
          quick = isQuick ? quick + 1 : 0;
          if (quick === 1) first = performance.now();
          if (quick === QUICK_ONES) return { recoveredSeconds: (first - started) / 1000 };
          if (!isQuick) await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return { recoveredSeconds: null };
      }
    }
  }

  private async arrivals(
    { rate, seconds, seed }: Extract<LoadJob, { kind: 'open' }>,
    started: number,
  ): Promise<void> {
    const random = createRandom(seed);
    const end = started + 1000 * seconds;
    let due = started;
    for (;;) {
      due += (-Math.log(1 - random.next()) / rate) * 1000;
      if (due >= end) break;
      for (let wait = due - performance.now(); wait > 0; wait = due - performance.now()) {
        if (wait > SPIN_MS) await new Promise((resolve) => setTimeout(resolve, wait - SPIN_MS));
        else await new Promise((resolve) => setImmediate(resolve));
      }
      this.underWay += 1;
      const connection = this.free.pop();
      if (connection) this.send(connection, due);
      else {
        this.waiting.push(due);
        this.waited += 1;
      }
      // Answers are read in between, also where requests are due faster than they can be sent.
      if (this.underWay % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.underWay > 0) await new Promise<void>((resolve) => (this.idle = resolve));
  }

  private ask(): Promise<number> {
    return new Promise((resolve) => {
      this.underWay += 1;
      this.send(this.free.pop()!, performance.now(), resolve);
    });
  }

  private send(connection: Connection, due: number, then?: (status: number) => void): void {
    const now = performance.now();
    this.sentLateMs = Math.max(this.sentLateMs, now - due);
    connection.send(this.requests[this.next++ % this.requests.length]!, (status) => {
      const answered = performance.now();
      note(this.times, status, answered - due);
      note(this.sinceSent, status, answered - now);
      this.underWay -= 1;
      const owed = this.waiting.shift();
      if (owed === undefined) this.free.push(connection);
      else this.send(connection, owed);
      if (this.underWay === 0) this.idle?.();
      then?.(status);
    });
  }
}

function note(times: Map<number, number[]>, status: number, ms: number): void {
  const known = times.get(status);
  if (known) known.push(ms);
  else times.set(status, [ms]);
}

const summary = (times: ReadonlyMap<number, number[]>): Record<string, Times> =>
  Object.fromEntries([...times].map(([status, ms]) => [status, timesOf(ms)]));

function timesOf(ms: number[]): Times {
  const sorted = Float64Array.from(ms).sort();
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
  const within = sorted.findLastIndex((value) => value <= REFUSAL_MS) + 1;
  return {
    n: ms.length,
    p50: at(0.5),
    p99: at(0.99),
    max: sorted.at(-1) ?? null,
    within50: within / ms.length,
  };
}

if (require.main === module) {
  new Load(JSON.parse(process.argv[2]!) as LoadJob)
    .run()
    .then((report) => process.stdout.write(JSON.stringify(report)))
    .catch((error: Error) => {
      process.stderr.write(`load: ${error.message}\n`);
      process.exitCode = 1;
    });
}
