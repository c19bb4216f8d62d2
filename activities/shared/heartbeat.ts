import { AsyncLocalStorage } from 'node:async_hooks';
import { Context } from '@temporalio/activity';

/** Heartbeats are this far apart; workflows allow three to be missed before they give the work to another worker. */
export const HEARTBEAT_INTERVAL_MS = 3_000;

/** Who is told that the work goes on, and who says when it is to stop. */
export interface Pulse {
  readonly cancellationSignal: AbortSignal;
  heartbeat(details: unknown): void;
}

const otherwise = new AsyncLocalStorage<Pulse>();

/** Runs an activity's function where there is no Temporal: in a training job. */
export const withPulse = <T>(pulse: Pulse, work: () => Promise<T>): Promise<T> => otherwise.run(pulse, work);

/**
 * Runs the work of an activity while the main thread heartbeats for it. The signal aborts when the activity is cancelled
 * or its worker shuts down; `progress` is what the Web UI shows beside the heartbeat.
 */
export async function withHeartbeat<T>(
  work: (signal: AbortSignal, progress: (details: unknown) => void) => Promise<T>,
): Promise<T> {
  const context: Pulse = otherwise.getStore() ?? Context.current();
  let details: unknown;
  const timer = setInterval(() => context.heartbeat(details), HEARTBEAT_INTERVAL_MS);
  try {
    return await work(context.cancellationSignal, (next) => {
      details = next;
      context.heartbeat(next);
    });
  } finally {
    clearInterval(timer);
  }
}
