import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** So many ports of the loopback address that nobody had a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A port of the loopback address that nobody had a moment ago. */
export const freePort = async (): Promise<number> => (await freePorts(1))[0]!;
