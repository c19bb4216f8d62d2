/** What the steps of infra/ci call that speaks with Temporal: see docs/delivery.md. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from '@temporalio/client';
import { openObjects } from '../../src/platform/composition';
import { loadSettings, type Settings } from '../../src/platform/settings';
import { connectTemporal } from '../../src/platform/temporal';
import { DEPLOYMENT_NAME } from '../../src/platform/topology/names';
import {
  deliverVersion,
  type DeliveryPlan,
  type DeliveryVerdict,
  type SmokeVerdict,
} from './deliver-version';
import { readSmokeValues, runSmokeCampaign, SMOKE_PREFIX, type SmokePool } from './smoke-campaign';
import { openWorkerVersions, type Routing, type VersionState } from './worker-versions';

export * from './deliver-version';
export * from './smoke-campaign';
export * from './worker-versions';

export interface StepContext {
  /** Default: settings file and environment, as every program of titrate. */
  readonly settings?: Settings;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface PoolOptions {
  /** CSV with the columns id, smiles, logS. */
  readonly poolFile: string;
  /** Where the workers read the same file. Default: it is put into the object store, or read as it is from this machine's disk. */
  readonly poolUri?: string;
  readonly smokeWithinSeconds: number;
}

async function withVersions<T>(
  { settings = loadSettings() }: StepContext,
  body: (parts: {
    client: Client;
    versions: ReturnType<typeof openWorkerVersions>;
    settings: Settings;
  }) => Promise<T>,
): Promise<T> {
  const { namespace } = settings.temporal;
  const connection = await connectTemporal(settings);
  try {
    const client = new Client({ connection, namespace });
    const identity = `delivery@${os.hostname()}`;
    const versions = openWorkerVersions(connection, { namespace, deployment: DEPLOYMENT_NAME, identity });
    return await body({ client, versions, settings });
  } finally {
    await connection.close();
  }
}

/** Workers elsewhere read it from the bucket that they all read; those on this machine from its disk. */
async function readPool(settings: Settings, { poolFile, poolUri }: PoolOptions): Promise<SmokePool> {
  const csv = readFileSync(poolFile);
  const values = readSmokeValues(csv.toString('utf8'));
  if (poolUri) return { uri: poolUri, values };
  if (settings.objects.store === 'files') return { uri: path.resolve(poolFile), values };
  return { uri: (await openObjects(settings).put(csv, 'text/csv')).uri, values };
}

const smokeId = (buildId: string) => `${SMOKE_PREFIX}${buildId}-${Date.now().toString(36)}`;

/** Step `ramp-workers`. */
export function rampWorkers(
  context: StepContext,
  plan: DeliveryPlan & PoolOptions,
): Promise<DeliveryVerdict> {
  return withVersions(context, async ({ client, versions, settings }) => {
    const pool = await readPool(settings, plan);
    return deliverVersion(plan, {
      versions,
      say: context.say,
      signal: context.signal,
      smokePrefix: SMOKE_PREFIX,
      smoke: (buildId) =>
        runSmokeCampaign({
          client,
          campaignId: smokeId(buildId),
          pool,
          version: { deploymentName: DEPLOYMENT_NAME, buildId },
          withinSeconds: plan.smokeWithinSeconds,
          signal: context.signal,
        }),
    });
  });
}

/** Step `smoke-campaign`: on a version, or without one wherever the server sends it. */
export function smokeCampaign(
  context: StepContext,
  options: PoolOptions & { readonly buildId?: string },
): Promise<SmokeVerdict> {
  return withVersions(context, async ({ client, settings }) =>
    runSmokeCampaign({
      client,
      campaignId: smokeId(options.buildId ?? 'current'),
      pool: await readPool(settings, options),
      version: options.buildId ? { deploymentName: DEPLOYMENT_NAME, buildId: options.buildId } : undefined,
      withinSeconds: options.smokeWithinSeconds,
      signal: context.signal,
    }),
  );
}

/** The routing and every version that Temporal knows, with the workflows that keep each from being retired. */
export function workerVersions(
  context: StepContext,
): Promise<{ routing: Routing; versions: (VersionState & { running: number })[] }> {
  return withVersions(context, async ({ versions }) => ({
    routing: await versions.routing(),
    versions: await Promise.all(
      (await versions.list()).map(async (state) => ({
        ...state,
        running: (await versions.running(state.buildId)).length,
      })),
    ),
  }));
}

/** Forgets a version whose workers are gone. */
export function forgetVersion(context: StepContext, buildId: string): Promise<void> {
  return withVersions(context, ({ versions }) => versions.forget(buildId));
}
