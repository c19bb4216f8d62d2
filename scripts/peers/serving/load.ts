import http from 'node:http';
import { createRandom } from '../../../src/foundation';

/** One request as it went; times in milliseconds. */
export interface Exchange {
  /** From when it should have been sent, so that a server that falls behind is not flattered (coordinated omission). */
  readonly ms: number;
  /** From when its bytes went to a connection. */
  readonly sinceSentMs: number;
  readonly status: number;
}

export interface Load {
  readonly exchanges: readonly Exchange[];
  readonly seconds: number;
}

/** Sends single molecules to `/predict`, each another one, over kept-alive connections. */
export class LoadGenerator {
  private readonly agent: http.Agent;
  private next = 0;

  constructor(
    private readonly address: string,
    private readonly molecules: readonly string[],
    connections: number,
  ) {
    this.agent = new http.Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' });
  }

  close(): void {
    this.agent.destroy();
  }

  /** @returns status 0 where there was no answer */
  ask(since = performance.now()): Promise<Exchange> {
    const smiles = this.molecules[this.next++ % this.molecules.length]!;
    const body = JSON.stringify({ smiles: [smiles] });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    return new Promise((resolve) => {
      let sent = since;
      const done = (status: number) => {
        const now = performance.now();
        resolve({ status, ms: now - since, sinceSentMs: now - sent });
      };
      const request = http.request(
        new URL('/predict', this.address),
        { method: 'POST', agent: this.agent, headers },
        (response) => {
          response.resume();
          response.once('end', () => done(response.statusCode ?? 0)).once('error', () => done(0));
        },
      );
      request.once('error', () => done(0));
      request.once('finish', () => (sent = performance.now()));
      request.end(body);
    });
  }

  /** `workers` clients, each sending as soon as it has its answer. */
  async closed(workers: number, seconds: number): Promise<Load> {
    const exchanges: Exchange[] = [];
    const started = performance.now();
    const end = started + 1000 * seconds;
    await Promise.all(
      Array.from({ length: workers }, async () => {
        while (performance.now() < end) exchanges.push(await this.ask());
      }),
    );
    return { exchanges, seconds: (performance.now() - started) / 1000 };
  }

  /** Poisson arrivals of `rate` requests a second, sent whatever has come back. */
  async open(rate: number, seconds: number, seed: number): Promise<Load> {
    const random = createRandom(seed);
    const asked: Promise<Exchange>[] = [];
    const started = performance.now();
    const end = started + 1000 * seconds;
    for (let due = started; ;) {
      due += (-Math.log(1 - random.next()) / rate) * 1000;
      if (due >= end) break;
      const wait = due - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      else if (asked.length % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
      asked.push(this.ask(due));
    }
    const exchanges = await Promise.all(asked);
    return { exchanges, seconds: (performance.now() - started) / 1000 };
  }
}

/** @param q 0..1 @returns NaN for none */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}
