import type { Connection } from '@temporalio/client';
import { TitrateError } from '../contracts';
import type { Settings } from './settings';
import { connectTemporal, temporalAddress } from './temporal';
import { addSearchAttributes, GRPC, isRefusal, listSearchAttributes } from './temporal-search-attributes';

/** Finished campaigns stay visible for so long; the server's own default is a day. */
export const RETENTION_DAYS = 90;
const DAY_SECONDS = 24 * 3600;
const CALL_MS = 15_000;
/** A server with several nodes takes so long to know a new namespace everywhere. */
const NAMESPACE_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 500;

export interface TemporalChange {
  readonly part: 'namespace' | 'retention' | 'search attribute';
  readonly change: string;
}

/**
 * Makes the namespace, sets its retention (at least 90 days; a longer one stays) and registers the search attributes. Safe to repeat.
 * Temporal Cloud refuses these calls to whoever works in a namespace: there it is looked at, and what is missing is said with the command for it.
 * @returns what was changed, or with `dryRun` would be, in words.
 * @throws TitrateError unavailable, unauthenticated; contradiction (an attribute of another type); forbidden, saying who has to do what
 */
export async function prepareTemporal(
  settings: Pick<Settings, 'temporal'>,
  { dryRun }: { dryRun: boolean },
): Promise<TemporalChange[]> {
  const connection = await connectTemporal(settings);
  const changes: TemporalChange[] = [];
  const { namespace } = settings.temporal;
  const where = `${temporalAddress(settings)}, namespace ${namespace}`;
  try {
    const there = await describeNamespace(connection, namespace);
    if (!there) {
      changes.push({
        part: 'namespace',
        change: `${dryRun ? 'would make' : 'made'} ${namespace}, retention ${RETENTION_DAYS} days`,
      });
      if (!dryRun) await makeNamespace(connection, namespace, where);
    } else if (there.retentionDays < RETENTION_DAYS) {
      changes.push({
        part: 'retention',
        change: `${dryRun ? 'would set' : 'set'} ${RETENTION_DAYS} days, was ${describeDays(there.retentionDays)}`,
      });
      if (!dryRun) await setRetention(connection, namespace, where, there.retentionDays);
    }
    const known = there || !dryRun ? await listSearchAttributes(connection, namespace) : new Map();
    const added = await addSearchAttributes(connection, namespace, { dryRun, known, where });
    changes.push(
      ...added.map((change) => ({
        part: 'search attribute' as const,
        change: `${dryRun ? 'would register' : 'registered'} ${change}`,
      })),
    );
    return changes;
  } finally {
    await connection.close();
  }
}

const call = <T>(connection: Connection, body: () => Promise<T>) =>
  connection.withDeadline(Date.now() + CALL_MS, body);

const describeDays = (days: number) => `${Math.round(days * 10) / 10} day${days === 1 ? '' : 's'}`;

async function describeNamespace(
  connection: Connection,
  namespace: string,
): Promise<{ retentionDays: number } | null> {
  try {
    const { config } = await call(connection, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return { retentionDays: Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY_SECONDS };
  } catch (error) {
    if ((error as { code?: number }).code === GRPC.notFound) return null;
    throw error;
  }
}

const retention = () => ({ seconds: (RETENTION_DAYS * DAY_SECONDS) as never });

async function makeNamespace(connection: Connection, namespace: string, where: string): Promise<void> {
  try {
    await call(connection, () =>
      connection.workflowService.registerNamespace({
        namespace,
        description: 'titrate: active-learning campaigns',
        workflowExecutionRetentionPeriod: retention(),
      }),
    );
  } catch (error) {
    const { code } = error as { code?: number };
    if (isRefusal(error))
      throw new TitrateError(
        'forbidden',
        {
          what: 'there is no such namespace, and the server lets nobody make one over this connection',
          where,
          remedy: `On Temporal Cloud: tcld namespace create --namespace NAME --region REGION --retention-days ${RETENTION_DAYS}; on a server of your own: an account with the role of an administrator`,
        },
        { cause: error },
      );
    // Another one was first.
    if (code !== GRPC.alreadyExists) throw error;
  }
  const deadline = Date.now() + NAMESPACE_WITHIN_MS;
  for (;;) {
    try {
      await listSearchAttributes(connection, namespace);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function setRetention(
  connection: Connection,
  namespace: string,
  where: string,
  was: number,
): Promise<void> {
  try {
    await call(connection, () =>
      connection.workflowService.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: retention() },
      }),
    );
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new TitrateError(
      'forbidden',
      {
        what: `finished campaigns are kept for ${describeDays(was)}, ${RETENTION_DAYS} are wanted, and the server lets nobody change that over this connection`,
        where,
        remedy: `On Temporal Cloud: tcld namespace retention set --namespace ${namespace} --retention-days ${RETENTION_DAYS}`,
      },
      { cause: error },
    );
  }
}
