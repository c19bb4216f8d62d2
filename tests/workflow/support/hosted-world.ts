import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkerInterceptors } from '@temporalio/worker';
import { startServer } from '../../support/temporal';
import type { ScriptedWorld } from './scripted-lab';
import { startWorldWorkers, type WorldWorkers } from './world-workers';

/** A server with workers, and the world that its activities act in now. */
export interface HostedWorld<W extends ScriptedWorld> {
  readonly env: TestWorkflowEnvironment;
  world: W;
}

/**
 * One server and one set of workers for all tests of a `describe`, each of which begins in a world of its own.
 * @param interceptors of the workers that run activities
 */
export function hostWorld<W extends ScriptedWorld>(
  make: () => W,
  interceptors: WorkerInterceptors = {},
): HostedWorld<W> {
  let workers: WorldWorkers | undefined;
  const host = {} as { env: TestWorkflowEnvironment; world: W };
  beforeAll(async () => {
    host.env = await startServer();
    workers = await startWorldWorkers(host.env, () => host.world, make(), interceptors);
  }, 120_000);
  beforeEach(() => {
    host.world = make();
  });
  afterAll(async () => {
    await workers?.stop();
    await host.env?.teardown();
  });
  return host;
}
