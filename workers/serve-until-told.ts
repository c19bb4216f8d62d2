import { processTracing } from '../src/observability/tracing';
import type { Ports } from '../src/platform/composition';
import type { InferenceServer } from '../src/serving';

/**
 * Ends an inference server's process when it is told to (SIGTERM, SIGINT, or the parent's going): the server drains, then the ports
 * close.
 * @returns whether it has been told
 */
export function serveUntilTold(
  server: Pick<InferenceServer, 'close'>,
  ports: Pick<Ports, 'close'>,
  fail: (error: unknown) => void,
): () => boolean {
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= server
      .close()
      .then(() => ports.close())
      .then(() => processTracing()?.close())
      .then(() => process.exit(0), fail);
  };
  process.once('SIGTERM', stop).once('SIGINT', stop).once('disconnect', stop);
  // A parent that died while this process was being loaded has gone without anybody here to hear it.
  if (process.connected === false) stop();
  return () => stopping !== undefined;
}
