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

/** Below what operating systems pick from for connections: a port found here is not gone by the time that somebody listens on it. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
/** Processes begin so far apart, so that two that look at the same time do not find the same ones. */
const APART = 64;
let searched = (process.pid * APART) % PORTS;

/**
 * Ports that nothing listens on now, none of them named before by this process: what was found for one may not be listened on yet when the next one is looked for.
 * @throws TitrateError port-taken
 */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let tries = 0; tries < PORTS && found.length < count; tries++) {
    const port = FIRST_PORT + (searched++ % PORTS);
    if (await isPortFree(host, port)) found.push(port);
  }
  if (found.length === count) return found;
  throw new TitrateError('port-taken', {
    what: `of the ports ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} on ${host} only ${found.length} are free; ${count} are needed`,
    remedy: 'End programs that hold them',
  });
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
