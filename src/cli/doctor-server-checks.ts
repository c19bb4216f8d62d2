import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../contracts';
import { reach } from './connect';
import type { Settings } from '../platform/settings';
import { temporalConnection } from '../platform/temporal';
import type { Finding } from './doctor-checks';

const CONNECT_TIMEOUT_MS = 3000;
const CALL_TIMEOUT_MS = 10_000;
/** Task queue kinds of Temporal's API. */
const WORKFLOW_QUEUE = 1;
const ACTIVITY_QUEUE = 2;

async function searchAttributes(connection: Connection, namespace: string): Promise<Finding> {
  const check = 'search attributes';
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.keys(SEARCH_ATTRIBUTES).filter((name) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return { check, verdict: 'ok', found: Object.keys(SEARCH_ATTRIBUTES).join(', ') };
  return {
    check,
    verdict: 'fail',
    found: `not registered: ${missing.join(', ')}`,
    remedy: "A worker registers them when it starts: 'titrate up'",
  };
}

/** Somebody serves every task queue. */
export async function checkWorkers(connection: Connection, namespace: string): Promise<Finding> {
  const check = 'workers';
  const polled = await Promise.all(
    TASK_QUEUES.map(async (name) => {
      const taskQueueType = name === 'orchestration' ? WORKFLOW_QUEUE : ACTIVITY_QUEUE;
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name },
        taskQueueType,
      });
      return { name, count: pollers?.length ?? 0 };
    }),
  );
  const idle = polled.filter(({ count }) => count === 0).map(({ name }) => name);
  if (idle.length === 0)
    return { check, verdict: 'ok', found: polled.map(({ name, count }) => `${name} ${count}`).join(', ') };
  return {
    check,
    verdict: 'fail',
    found: `nobody serves: ${idle.join(', ')}`,
    remedy: "Start the workers: 'titrate up', or node dist/workers/<queue>.js",
  };
}

async function inferenceServer(settings: Settings): Promise<Finding> {
  const check = 'inference server';
  const url = `http://${settings.inference.host}:${settings.inference.port}`;
  try {
    const response = await fetch(`${url}/v2/health/ready`, {
      signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS),
    });
    if (response.ok) return { check, verdict: 'ok', found: url };
    return { check, verdict: 'warn', found: `${url} answers ${response.status}`, remedy: 'Look at its log' };
  } catch {
    return {
      check,
      verdict: 'warn',
      found: `nothing answers at ${url}`,
      remedy: "Start it with 'titrate up', or set TITRATE_INFERENCE_HOST and TITRATE_INFERENCE_PORT",
    };
  }
}

/** What can be looked at only where a server runs; without one, one warning that says so. */
export async function checkServers(settings: Settings): Promise<Finding[]> {
  const { host, port, namespace } = settings.temporal;
  const check = 'Temporal server';
  let connection: Connection;
  try {
    await reach(host, port);
    connection = await Connection.connect({
      ...temporalConnection(settings),
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
  } catch {
    return [
      {
        check,
        verdict: 'warn',
        found: `nothing answers at ${host}:${port}`,
        remedy: "Start the local stack with 'titrate up' before a campaign",
      },
    ];
  }
  try {
    return await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, async () => {
      const { serverVersion } = await connection.workflowService.getSystemInfo({});
      return [
        { check, verdict: 'ok', found: `${host}:${port}, version ${serverVersion}, namespace ${namespace}` },
        await searchAttributes(connection, namespace),
        await checkWorkers(connection, namespace),
        await inferenceServer(settings),
      ];
    });
  } catch (error) {
    return [
      {
        check,
        verdict: 'fail',
        found: `${host}:${port}: ${(error as Error).message}`,
        remedy: `Is there a namespace '${namespace}'? Choose another one with --namespace`,
      },
    ];
  } finally {
    await connection.close();
  }
}
