import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { homePaths, type Settings } from '../settings';
import type { ChildSpec } from './child';
import { sleep } from './processes';
import type { TemporalCli } from './temporal-cli';

/** Finished campaigns stay visible for 90 days; the server's own default is one day. */
const RETENTION_SECONDS = 90 * 24 * 3600;
const PROBE_EVERY_MS = 200;

/** Longest argument 'log level' the CLI knows for each of ours. */
const LOG_LEVELS = { debug: 'debug', info: 'warn', warn: 'warn', error: 'error', silent: 'never' } as const;

/** Resolves once the server answers for the namespace; sets the namespace's retention. */
async function answers(settings: Settings, signal: AbortSignal): Promise<void> {
  const { host, port, namespace } = settings.temporal;
  while (!signal.aborted) {
    try {
      const connection = await Connection.connect({ address: `${host}:${port}`, connectTimeout: 2000 });
      try {
        await connection.withDeadline(Date.now() + 5000, async () => {
          const { config } = await connection.workflowService.describeNamespace({ namespace });
          if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) >= RETENTION_SECONDS) return;
          await connection.workflowService.updateNamespace({
            namespace,
            config: { workflowExecutionRetentionTtl: { seconds: RETENTION_SECONDS as never } },
          });
        });
        return;
      } finally {
        await connection.close();
      }
    } catch {
      await sleep(PROBE_EVERY_MS);
    }
  }
}

/**
 * The Temporal development server with its state on disk. Write-ahead logging with synchronous=normal survived kill -9 and has
 * four times the throughput of the default.
 */
export function temporalServer(settings: Settings, cli: TemporalCli, logFile: string): ChildSpec {
  const database = homePaths(settings).temporalDatabase;
  mkdirSync(path.dirname(database), { recursive: true });
  const { host, port, uiPort, namespace } = settings.temporal;
  return {
    name: 'temporal',
    command: cli.path,
    args: [
      ...['server', 'start-dev', '--ip', host, '--port', String(port), '--ui-port', String(uiPort)],
      ...['--namespace', namespace, '--db-filename', database],
      ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
      ...['--log-level', LOG_LEVELS[settings.logLevel], '--log-format', 'json'],
    ],
    env: {},
    cwd: settings.home,
    logFile,
    ipc: false,
    ready: (signal) => answers(settings, signal),
    readyWithinMs: 60_000,
  };
}
