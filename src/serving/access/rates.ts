import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { TitrateError } from '../../contracts';
import type { CancelSignal } from '../../foundation';
import { HttpProblem, tooLarge } from '../problems';
import type { Principal } from './principal';

const MINUTE_S = 60;
const MINUTE_MS = 60_000;

type Kind = 'requests' | 'molecules';

/** Counts what each caller asks for, a minute at a time, in this process. */
export class Rates {
  private readonly limiters = new Map<string, RateLimiterMemory>();

  /** @throws HttpProblem 429 with the time until the caller's next minute */
  async request({ name, limits }: Principal): Promise<void> {
    await this.take('requests', name, 1, limits.requestsPerMinute);
  }

  /** @throws HttpProblem 429; 413 for more than a request, or a minute, may hold */
  async molecules({ name, limits }: Principal, count: number): Promise<void> {
    const most = Math.min(limits.maxMolecules ?? Infinity, limits.moleculesPerMinute ?? Infinity);
    if (count > most)
      throw tooLarge(
        `${count} molecules in one request; ${name} may ask for ${most}`,
        name,
        'Send fewer at once',
      );
    await this.take('molecules', name, count, limits.moleculesPerMinute);
  }

  /** For streams: waits for the caller's next minute instead of refusing, and for as many of them as it takes. */
  async moleculesInTurn(caller: Principal, count: number, signal: CancelSignal): Promise<void> {
    const { name, limits } = caller;
    const atOnce = limits.moleculesPerMinute ?? count;
    for (let left = count; left > 0;) {
      signal.throwIfAborted();
      const part = Math.min(left, atOnce);
      try {
        await this.take('molecules', name, part, limits.moleculesPerMinute);
        left -= part;
      } catch (error) {
        if (!(error instanceof HttpProblem)) throw error;
        await elapse((error.retryAfter ?? 1) * 1000, signal);
      }
    }
  }

  /** What was taken for molecules that are asked for again, elsewhere. */
  async giveBack({ name, limits }: Principal, count: number): Promise<void> {
    const { moleculesPerMinute } = limits;
    if (moleculesPerMinute === undefined || count === 0) return;
    await this.limiterOf('molecules', moleculesPerMinute).reward(name, count);
  }

  private async take(kind: Kind, name: string, points: number, perMinute: number | undefined): Promise<void> {
    if (perMinute === undefined) return;
    try {
      await this.limiterOf(kind, perMinute).consume(name, points);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const seconds = Math.max(1, Math.ceil(Math.min(MINUTE_MS, refused.msBeforeNext) / 1000));
      const what = `${name} may ask for ${perMinute} ${kind} a minute`;
      const error = new TitrateError('overloaded', { what, remedy: `Try again in ${seconds} s` });
      throw new HttpProblem(error.status, error, seconds);
    }
  }

  private limiterOf(kind: Kind, points: number): RateLimiterMemory {
    const keyPrefix = `${kind}/${points}`;
    let limiter = this.limiters.get(keyPrefix);
    if (!limiter) {
      limiter = new RateLimiterMemory({ keyPrefix, points, duration: MINUTE_S });
      this.limiters.set(keyPrefix, limiter);
    }
    return limiter;
  }
}

function elapse(ms: number, signal: CancelSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => (clearTimeout(timer), reject(signal.reason as Error));
    const timer = setTimeout(() => (signal.removeEventListener('abort', end), resolve()), ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
