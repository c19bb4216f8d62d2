import { parseArgs } from 'node:util';
import { runTrainingJob } from '../activities/gpu/training-job';
import { asTitrateError, TitrateError } from '../src/contracts';
import { openPorts } from '../src/platform/composition';
import { pushAtEnd } from '../src/platform/push-metrics';
import { loadSettings } from '../src/platform/settings';

/** What a shell shows for a process that ended on SIGTERM. */
const TERMINATED = 143;

/**
 * One training job as a process: `training-job --request SHA256 --claim N`. Reads the request from the object store of the settings, runs
 * it, records the outcome there. Says on standard error how it goes, as Cloud Logging takes it: one JSON object a line.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { request: { type: 'string' }, claim: { type: 'string' } } });
  const claim = Number(values.claim);
  if (!values.request || !Number.isInteger(claim) || claim < 1)
    throw new TitrateError('usage', { what: 'expected --request SHA256 --claim N' });

  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort()).once('SIGINT', () => stop.abort());
  // Whoever runs in a job starts no other one.
  const settings = loadSettings({ training: { engine: 'local' } });
  const ports = openPorts(settings);
  try {
    await runTrainingJob(
      { ...ports, learning: ports.learning(), training: ports.training() },
      { request: values.request, claim },
      {
        cancellationSignal: stop.signal,
        heartbeat: (details) => details && say('INFO', 'at work', { details }),
      },
    );
  } catch (error) {
    if (stop.signal.aborted) process.exitCode = TERMINATED;
    throw error;
  } finally {
    await ports.close();
    await pushAtEnd(settings, ports.metrics, 'training-job', (message) => say('WARNING', message));
  }
}

const say = (severity: 'INFO' | 'WARNING' | 'ERROR', message: string, more: object = {}) =>
  process.stderr.write(`${JSON.stringify({ severity, message, ...more })}\n`);

main().catch((error: unknown) => {
  const { code, message } = asTitrateError(error);
  say('ERROR', message, { code });
  process.exitCode ??= 1;
});
