import { Context } from '@temporalio/activity';

/** Heartbeats are this far apart; workflows allow three to be missed before they give the work to another worker. */
export const HEARTBEAT_INTERVAL_MS = 3_000;

/**
 * Runs the work of an activity while the main thread heartbeats for it. The signal aborts when the activity is cancelled
 * or its worker shuts down; `progress` is what the Web UI shows beside the heartbeat.
 */
export async function withHeartbeat<T>(
  work: (signal: AbortSignal, progress: (details: unknown) => void) => Promise<T>,
): Promise<T> {
  const context = Context.current();
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
