import net from 'node:net';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { TitrateError } from '../contracts';
import { temporalConnection, unreachable } from '../platform/temporal';
import type { Cli } from './context';
import { commandInterceptors } from './tracing';

/** How long a server may take to be reached, and a call to be answered, milliseconds. */
const CONNECT_TIMEOUT_MS = 5000;
const CALL_TIMEOUT_MS = 30_000;

/** Rejects at once where nothing listens: the Temporal client would go on trying until its time is up. */
export function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const end = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.once('connect', () => end());
    socket.once('error', end);
    socket.once('timeout', () => end(new Error('timed out')));
  });
}

/** Runs `body` with a client of the Temporal server in the settings. @throws TitrateError unavailable when nothing answers there. */
export async function withClient<T>(
  { settings }: Pick<Cli, 'settings'>,
  body: (client: Client) => Promise<T>,
): Promise<T> {
  const { host, port, namespace } = settings.temporal;
  const options = temporalConnection(settings);
  const connection = await (async () => {
    await reach(host, port);
    return Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
  })().catch((error: unknown) => {
    if (options.tls) throw unreachable(settings, error);
    const remedy = "Start the local stack with 'titrate up', or name the server with --temporal host:port";
    throw new TitrateError(
      'unavailable',
      { what: 'no Temporal server answers', where: options.address, remedy },
      { cause: error },
    );
  });
  // The connection ends with the process: the client repeats failed calls from timers, and a repetition on a connection that
  // was closed meanwhile throws where nobody can catch it.
  const interceptors = { workflow: commandInterceptors(settings) };
  return body(new Client({ connection, namespace, interceptors }));
}

/** A call that must be answered soon: a query without a worker would otherwise wait for a minute. */
export function soon<T>(client: Client, call: () => Promise<T>, withinMs = CALL_TIMEOUT_MS): Promise<T> {
  return client.connection.withDeadline(Date.now() + withinMs, call);
}

/** Runs `body` with the handle of one campaign. */
export function withCampaign<T>(
  cli: Pick<Cli, 'settings'>,
  campaignId: string,
  body: (handle: WorkflowHandle, client: Client) => Promise<T>,
): Promise<T> {
  return withClient(cli, async (client) => {
    try {
      return await body(client.workflow.getHandle(campaignId), client);
    } catch (error) {
      if ((error as Error).name === 'WorkflowNotFoundError') {
        throw new TitrateError(
          'not-found',
          {
            what: `there is no running campaign '${campaignId}'`,
            where: `${cli.settings.temporal.host}:${cli.settings.temporal.port}`,
            remedy: "See 'titrate campaign list'",
          },
          { cause: error },
        );
      }
      throw error;
    }
  });
}
