import { Worker } from 'node:worker_threads';
import { TitrateError } from '../../contracts';
import { compiledEntry } from '../../foundation';
import type { WandbConnection } from './api';
import type { RunToOpen, SdkThreadInput, SdkThreadOutput } from './sdk-thread';

/** The SDK needs a second or two to open runs; where it takes this long it is trying a request that has failed for good, ms. */
export const OPEN_TIMEOUT_MS = 30_000;

/**
 * Has the official SDK create runs. It reports success before or without it, so what came of it is for the caller to read back.
 * @throws TitrateError unavailable when it fails or does not come to an end.
 */
export async function openRuns(
  connection: WandbConnection,
  runs: readonly RunToOpen[],
  signal: AbortSignal,
  timeoutMs = OPEN_TIMEOUT_MS,
): Promise<void> {
  if (runs.length === 0) return;
  const workerData: SdkThreadInput = { ...connection, runs };
  // Its streams are read by nobody: it prints whole requests where something fails. Nor does it see this process's environment.
  const thread = new Worker(compiledEntry('src/tracking/wandb/sdk-thread'), {
    workerData,
    env: {},
    stdout: true,
    stderr: true,
  });
  thread.stdout.resume();
  thread.stderr.resume();
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const output = await new Promise<SdkThreadOutput>((resolve) => {
      const fail = (failed: string) => resolve({ failed });
      thread.once('message', resolve);
      thread.once('error', (error) => fail(error.message));
      thread.once('exit', () => fail('its thread ended'));
      deadline.addEventListener('abort', () => fail('it did not come to an end'), { once: true });
      if (deadline.aborted) fail('it did not come to an end');
    });
    signal.throwIfAborted();
    if ('failed' in output) {
      throw new TitrateError('unavailable', {
        what: `W&B's SDK could not open ${runs.length === 1 ? 'a run' : `${runs.length} runs`}: ${output.failed}`,
        where: connection.baseUrl,
        remedy: 'What was to be tracked stays in the spool and is sent again',
      });
    }
  } finally {
    await thread.terminate();
  }
}
