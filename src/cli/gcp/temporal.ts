import { Connection } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes';
import { asTitrateError, SEARCH_ATTRIBUTES } from '../../contracts';
import { RETENTION_DAYS } from '../../platform/prepare-temporal';
import type { Settings } from '../../platform/settings';
import { speaksTls, temporalConnection } from '../../platform/temporal-connection';
import { unreachable } from '../../platform/temporal';
import { reach } from '../connect';
import type { Finding } from '../doctor-checks';
import { checkWorkers } from '../doctor-server-checks';
import { findings } from './finding';

const CONNECT_TIMEOUT_MS = 5000;
const CALL_TIMEOUT_MS = 10_000;
const DAY_SECONDS = 24 * 3600;
/** The first with Worker Deployments as the workers use them (docs.temporal.io, "Worker Versioning"). */
const OLDEST_SERVER = [1, 28] as const;
const TYPES = {
  Keyword: SearchAttributeType.KEYWORD,
  Int: SearchAttributeType.INT,
  Double: SearchAttributeType.DOUBLE,
} as const;
/** Does the same, also on Temporal Cloud as far as it lets one. */
const PREPARE = 'scripts/titrate prepare temporal';
/** Of google.rpc.Code. */
const NOT_FOUND = 5;

function serverFinding(settings: Settings, version: string): Finding {
  const { ok, warn, fail } = findings('Temporal server');
  const { address } = temporalConnection(settings);
  const tls = speaksTls(settings);
  const found = `${address}, version ${version}, ${tls ? 'by TLS' : 'without TLS'}`;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1]))
    return fail(
      found,
      `Workers are rolled out by Worker Deployments: upgrade the server to ${OLDEST_SERVER.join('.')} or newer, one minor version after the other`,
    );
  if (tls || isHere(settings.temporal.host)) return ok(found);
  return warn(found, 'What campaigns say can be read on the way: set TITRATE_TEMPORAL_TLS=on');
}

const isHere = (host: string) => /^(localhost|127\.|\[?::1)/.test(host) || host.endsWith('.svc');

/** The namespace, its retention and its search attributes. */
async function namespaceFindings(connection: Connection, namespace: string): Promise<Finding[]> {
  const { ok, fail } = findings('Temporal namespace');
  const operator = `temporal operator --address ${connection.options.address}`;
  let seconds: number;
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    seconds = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
  } catch (error) {
    if ((error as { code?: number }).code !== NOT_FOUND) throw error;
    return [
      fail(
        `there is no namespace '${namespace}'`,
        `Run: ${operator} namespace create --namespace ${namespace} --retention ${RETENTION_DAYS}d (or: ${PREPARE}; or choose another one with --namespace)`,
      ),
    ];
  }
  const days = seconds / DAY_SECONDS;
  const retention =
    days >= RETENTION_DAYS
      ? ok(`${namespace}, closed workflows are kept for ${days} days`)
      : fail(
          `${namespace} keeps closed workflows for ${days} days, and a campaign is looked back on for ${RETENTION_DAYS}`,
          `Run: ${operator} namespace update --namespace ${namespace} --retention ${RETENTION_DAYS}d (or: ${PREPARE})`,
        );
  return [retention, await attributeFinding(connection, namespace, operator)];
}

async function attributeFinding(
  connection: Connection,
  namespace: string,
  operator: string,
): Promise<Finding> {
  const { ok, fail } = findings('search attributes');
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const has = (name: string) => customAttributes?.[name];
  const names = Object.keys(SEARCH_ATTRIBUTES) as (keyof typeof SEARCH_ATTRIBUTES)[];
  const ofAnotherType = names.filter(
    (name) =>
      has(name) !== undefined &&
      has(name) !== encodeSearchAttributeIndexedValueType(TYPES[SEARCH_ATTRIBUTES[name]]),
  );
  const remove = (name: string) =>
    `${operator} search-attribute remove --namespace ${namespace} --name ${name} --yes`;
  const create = (name: keyof typeof SEARCH_ATTRIBUTES) =>
    `${operator} search-attribute create --namespace ${namespace} --name ${name} --type ${SEARCH_ATTRIBUTES[name]}`;
  if (ofAnotherType.length > 0)
    return fail(
      `of another type: ${ofAnotherType.join(', ')}`,
      `Run: ${ofAnotherType.map((name) => `${remove(name)} && ${create(name)}`).join(' && ')}, or choose a namespace of its own`,
    );
  const missing = names.filter((name) => has(name) === undefined);
  if (missing.length > 0)
    return fail(
      `not registered: ${missing.join(', ')}`,
      `Run: ${missing.map(create).join(' && ')} (or: ${PREPARE})`,
    );
  return ok(names.join(', '));
}

/** The Temporal server of the settings, its namespace and its workers, as a campaign on Google Cloud needs them. */
export async function checkTemporal(settings: Settings): Promise<Finding[]> {
  const { fail } = findings('Temporal server');
  const { host, port, namespace } = settings.temporal;
  let connection: Connection;
  try {
    const options = temporalConnection(settings);
    await reach(host, port);
    connection = await Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
  } catch (error) {
    const { parts } =
      error instanceof Error && error.name === 'TitrateError'
        ? asTitrateError(error)
        : unreachable(settings, error);
    const remedy = `${parts.remedy ?? 'Look at temporal in the settings'}; on Google Cloud TITRATE_TEMPORAL_HOST is the frontend's Service or the address of Temporal Cloud`;
    return [fail(`${parts.what} at ${host}:${port}`, remedy)];
  }
  try {
    return await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, async () => {
      const { serverVersion } = await connection.workflowService.getSystemInfo({});
      const found = [
        serverFinding(settings, serverVersion ?? ''),
        ...(await namespaceFindings(connection, namespace)),
      ];
      const isThere = found.length > 2;
      return isThere ? [...found, await checkWorkers(connection, namespace)] : found;
    });
  } catch (error) {
    return [fail(`${host}:${port}: ${(error as Error).message}`, unreachable(settings, error).parts.remedy!)];
  } finally {
    await connection.close();
  }
}
