import type { Connection } from '@temporalio/client';
import { TASK_QUEUES, TitrateError, type TaskQueue } from '../../src/contracts';

/** Kinds of task queues in temporal.api.enums.v1.TaskQueueType. */
const WORKFLOW_QUEUE = 1;
const ACTIVITY_QUEUE = 2;
/** temporal.api.enums.v1.VersionDrainageStatus. */
const DRAINING = 1;
const DRAINED = 2;
const GRPC_FAILED_PRECONDITION = 9;
const GRPC_NOT_FOUND = 5;
const CALL_MS = 15_000;

export interface Routing {
  /** Build that new workflows go to; null: to workers without a version, or to nobody. */
  readonly current: string | null;
  readonly ramping: string | null;
  /** Of new workflows, percent, that go to the ramping build. */
  readonly share: number;
}

export interface VersionState {
  readonly buildId: string;
  /** Queues that a worker of this version has ever asked. */
  readonly queues: readonly TaskQueue[];
  /** draining: workflows are still pinned to it, and no new one comes. drained: none is left. serving: new ones may come. */
  readonly drainage: 'serving' | 'draining' | 'drained';
}

/** The versions of one Worker Deployment, as the Temporal server routes to them. */
export interface WorkerVersions {
  readonly deployment: string;
  routing(): Promise<Routing>;
  /** Null when no worker of that build was ever seen. */
  describe(buildId: string): Promise<VersionState | null>;
  list(): Promise<VersionState[]>;
  /**
   * Sends `share` percent of new workflows to a build.
   * @throws TitrateError conflict when the routing is no longer what `expected` says
   */
  ramp(buildId: string, share: number, expected: Routing): Promise<void>;
  /** Takes the ramp back. */
  unramp(expected: Routing): Promise<void>;
  setCurrent(buildId: string, expected: Routing): Promise<void>;
  /** Running workflows on a build, of those whose id does not begin with `except`. */
  running(buildId: string, except?: string): Promise<string[]>;
  /** Workflows that failed, timed out or could not go on there since a time. */
  failed(buildId: string, since: Date, except?: string): Promise<string[]>;
  /** Forgets a version that is drained and that nobody polls for. */
  forget(buildId: string): Promise<void>;
}

export function openWorkerVersions(
  connection: Connection,
  { namespace, deployment, identity }: { namespace: string; deployment: string; identity: string },
): WorkerVersions {
  const service = connection.workflowService;
  const call = <T>(body: () => Promise<T>) => connection.withDeadline(Date.now() + CALL_MS, body);
  const version = (buildId: string) => ({ deploymentName: deployment, buildId });

  async function whole() {
    try {
      return await call(() => service.describeWorkerDeployment({ namespace, deploymentName: deployment }));
    } catch (error) {
      if ((error as { code?: number }).code === GRPC_NOT_FOUND) return null;
      throw error;
    }
  }
  async function routing(): Promise<Routing> {
    const config = (await whole())?.workerDeploymentInfo?.routingConfig;
    return {
      current: config?.currentDeploymentVersion?.buildId || null,
      ramping: config?.rampingDeploymentVersion?.buildId || null,
      share: config?.rampingVersionPercentage ?? 0,
    };
  }
  /** A write that the server takes only if nobody wrote since the routing was looked at. */
  async function write(
    expected: Routing,
    body: (conflictToken: Uint8Array) => Promise<unknown>,
  ): Promise<void> {
    const seen = await whole();
    const now = await routing();
    const differs = (['current', 'ramping', 'share'] as const).find((key) => now[key] !== expected[key]);
    if (differs) throw raced(deployment, describeRouting(expected), describeRouting(now));
    try {
      await call(() => body(seen?.conflictToken ?? new Uint8Array()));
    } catch (error) {
      const { code, message } = error as { code?: number; message: string };
      if (code === GRPC_FAILED_PRECONDITION && /conflict token/i.test(message))
        throw raced(deployment, describeRouting(expected), describeRouting(await routing()));
      throw error;
    }
  }
  async function describe(buildId: string): Promise<VersionState | null> {
    try {
      const { workerDeploymentVersionInfo: info, versionTaskQueues } = await call(() =>
        service.describeWorkerDeploymentVersion({ namespace, deploymentVersion: version(buildId) }),
      );
      const seen = (versionTaskQueues ?? info?.taskQueueInfos ?? []).map(
        ({ name, type }) => `${name}/${type}`,
      );
      return {
        buildId,
        queues: TASK_QUEUES.filter((queue) =>
          seen.includes(`${queue}/${queue === 'orchestration' ? WORKFLOW_QUEUE : ACTIVITY_QUEUE}`),
        ),
        drainage: drainageOf(info?.drainageInfo?.status),
      };
    } catch (error) {
      if ((error as { code?: number }).code === GRPC_NOT_FOUND) return null;
      throw error;
    }
  }
  async function workflowIds(query: string, except: string | undefined): Promise<string[]> {
    const found: string[] = [];
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await call(() =>
        service.listWorkflowExecutions({ namespace, query, pageSize: 200, nextPageToken }),
      );
      found.push(...(page.executions ?? []).map(({ execution }) => execution!.workflowId!));
      nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
    } while (nextPageToken);
    return found.filter((id) => except === undefined || !id.startsWith(except)).sort();
  }
  const onBuild = (buildId: string) => `TemporalWorkerDeploymentVersion = '${deployment}:${buildId}'`;

  return {
    deployment,
    routing,
    describe,
    async list() {
      const builds = ((await whole())?.workerDeploymentInfo?.versionSummaries ?? []).map(
        ({ deploymentVersion }) => deploymentVersion!.buildId!,
      );
      const states = await Promise.all(builds.map(describe));
      return states.filter((state) => state !== null);
    },
    ramp: (buildId, percentage, expected) =>
      write(expected, (conflictToken) =>
        service.setWorkerDeploymentRampingVersion({
          namespace,
          deploymentName: deployment,
          buildId,
          percentage,
          conflictToken,
          identity,
        }),
      ),
    unramp: (expected) =>
      write(expected, (conflictToken) =>
        service.setWorkerDeploymentRampingVersion({
          namespace,
          deploymentName: deployment,
          buildId: '',
          percentage: 0,
          conflictToken,
          identity,
        }),
      ),
    setCurrent: (buildId, expected) =>
      write(expected, (conflictToken) =>
        service.setWorkerDeploymentCurrentVersion({
          namespace,
          deploymentName: deployment,
          buildId,
          conflictToken,
          identity,
        }),
      ),
    running: (buildId, except) => workflowIds(`${onBuild(buildId)} AND ExecutionStatus = 'Running'`, except),
    failed: (buildId, since, except) =>
      workflowIds(
        `${onBuild(buildId)} AND ExecutionStatus IN ('Failed', 'TimedOut') AND CloseTime >= '${since.toISOString()}'`,
        except,
      ),
    async forget(buildId) {
      await call(() =>
        service.deleteWorkerDeploymentVersion({ namespace, deploymentVersion: version(buildId), identity }),
      );
    },
  };
}

function drainageOf(status: number | null | undefined): VersionState['drainage'] {
  if (status === DRAINED) return 'drained';
  return status === DRAINING ? 'draining' : 'serving';
}

export const describeRouting = ({ current, ramping, share }: Routing): string =>
  `current ${current ?? 'none'}${ramping ? `, ${share} % to ${ramping}` : ''}`;

const raced = (where: string, expected: string, found: string) =>
  new TitrateError('conflict', {
    what: `somebody else moved the routing: ${expected} was expected, ${found} is there`,
    where: `Worker Deployment ${where}`,
    remedy: 'One delivery at a time: see who runs the other one, then run this one again',
  });
