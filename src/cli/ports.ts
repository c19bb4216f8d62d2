import type { Ports } from '../platform/composition';
import type { Settings } from '../platform/settings';

/** What a command whose work is worth counting is called, and who is told when its metrics cannot be written. */
export interface Counted {
  readonly job: string;
  readonly tell: (message: string) => void;
}

/**
 * Runs `body` with the parts of the installation and closes them. They are loaded here and not at the start: RDKit, TensorFlow.js
 * and DuckDB together would cost every command a second.
 * @param counted of a command that ingests or trains: its metrics are written at its end, where the settings ask for it
 */
export async function withPorts<T>(
  settings: Settings,
  body: (ports: Ports) => Promise<T>,
  counted?: Counted,
): Promise<T> {
  const { openPorts } = await import('../platform/composition');
  const ports = openPorts(settings);
  try {
    return await body(ports);
  } finally {
    await ports.close();
    if (counted) {
      const { pushAtEnd } = await import('../platform/push-metrics');
      await pushAtEnd(settings, ports.metrics, counted.job, counted.tell);
    }
  }
}
