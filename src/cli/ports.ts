import type { Ports } from '../platform/composition';
import type { Settings } from '../platform/settings';

/**
 * Runs `body` with the parts of the installation and closes them. They are loaded here and not at the start: RDKit, TensorFlow.js
 * and DuckDB together would cost every command a second.
 */
export async function withPorts<T>(settings: Settings, body: (ports: Ports) => Promise<T>): Promise<T> {
  const { openPorts } = await import('../platform/composition');
  const ports = openPorts(settings);
  try {
    return await body(ports);
  } finally {
    await ports.close();
  }
}
