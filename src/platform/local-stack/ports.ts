import net from 'node:net';
import { TitrateError } from '../../contracts';

function listenOnce(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      const taken = (server.address() as net.AddressInfo).port;
      server.close(() => resolve(taken));
    });
  });
}

/** Whether anything can listen on `host:port` now. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  try {
    await listenOnce(host, port);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') return false;
    throw error;
  }
}

/** Ports that nothing listens on now, each different, picked by the operating system. */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await listenOnce(host, 0));
  return [...found];
}

/** Where a worker's metrics are looked for first: the port of OpenTelemetry's Prometheus exporters. */
const METRICS_PORT = 9464;

/** A port for each of `count` processes: 9464 and those after it, or any where one of these is taken. */
export async function metricsPorts(host: string, count: number): Promise<number[]> {
  const usual = Array.from({ length: count }, (_, nth) => METRICS_PORT + nth);
  for (const port of usual) if (!(await isPortFree(host, port))) return freePorts(host, count);
  return usual;
}

/** A port as it is configured: what it is for, and how the reader can change it. */
export interface NamedPort {
  readonly what: string;
  readonly host: string;
  readonly port: number;
  /** e.g. '--temporal-port, or TITRATE_TEMPORAL_PORT' */
  readonly option: string;
}

/** @throws TitrateError port-taken that names the port, what it is for and the option that moves it. */
export async function requireFreePorts(ports: readonly NamedPort[]): Promise<void> {
  for (const { what, host, port, option } of ports) {
    if (await isPortFree(host, port)) continue;
    throw new TitrateError('port-taken', {
      what: `port ${port} on ${host}, wanted for ${what}, is taken by another program`,
      remedy: `End that program, or choose another port with ${option}`,
    });
  }
}
