import { setTimeout as sleep } from 'node:timers/promises';
import { TASK_QUEUES, TitrateError } from '../../src/contracts';
import { describeRouting, type Routing, type WorkerVersions } from './worker-versions';

export interface DeliveryPlan {
  readonly buildId: string;
  /** Shares of new workflows, percent, one after the other; then the build becomes current. */
  readonly ramp: readonly number[];
  /** Shares at which a smoke campaign is run. 0: before anybody else's work comes to the build. */
  readonly smokeAt: readonly number[];
  /** At each share at least, seconds. */
  readonly watchSeconds: number;
  /** For workers of every queue to appear, seconds. */
  readonly workersWithinSeconds: number;
}

export interface SmokeVerdict {
  readonly passed: boolean;
  /** One sentence: the numbers, or what went wrong. */
  readonly message: string;
}

export interface DeliveryVerdict {
  readonly outcome: 'delivered' | 'rolled-back';
  readonly buildId: string;
  /** Current before, and again after a way back; null: workers without a version, or none. */
  readonly before: string | null;
  readonly steps: readonly { readonly share: number; readonly smoke: string | null }[];
  /** Why it was rolled back. */
  readonly reason: string | null;
  /** Workflows of others that began on the build and stay pinned to it: its workers must run until they have ended. */
  readonly pinned: readonly string[];
}

export interface DeliveryPorts {
  readonly versions: WorkerVersions;
  /** Runs a smoke campaign pinned to the build. Its workflow ids begin with `smokePrefix`. */
  smoke(buildId: string, share: number): Promise<SmokeVerdict>;
  readonly smokePrefix: string;
  say(line: string): void;
  readonly signal?: AbortSignal;
}

/** Why a step does not go on; anything else that is thrown is taken back just the same. */
class Bad extends Error {}

const LOOK_EVERY_MS = 500;

/**
 * Brings one version of the workers to all new workflows by shares, or takes it back. What began on a version stays there (workflows
 * are pinned), so a way back harms nobody: the version before it never stopped.
 * @throws TitrateError conflict (another ramp is on), not-found (no workers of the build came), when nothing was changed
 */
export async function deliverVersion(plan: DeliveryPlan, ports: DeliveryPorts): Promise<DeliveryVerdict> {
  const { buildId } = plan;
  const { versions, say } = ports;
  const since = new Date();
  await untilServed(plan, ports);
  const start = await versions.routing();
  requireFree(buildId, start, versions.deployment);
  const before = start.current;
  const steps: { share: number; smoke: string | null }[] = [];
  const verdict = async (outcome: DeliveryVerdict['outcome'], reason: string | null) => ({
    outcome,
    buildId,
    before,
    steps,
    reason,
    pinned: outcome === 'delivered' ? [] : await versions.running(buildId, ports.smokePrefix),
  });
  if (before === buildId) {
    say(`${buildId} is current already`);
    return verdict('delivered', null);
  }

  try {
    if (plan.smokeAt.includes(0)) steps.push({ share: 0, smoke: await tryOut(0, plan, ports) });
    // Without a version before it there is nobody to share with.
    const shares = before === null ? [] : plan.ramp;
    for (const share of shares) {
      await versions.ramp(buildId, share, await versions.routing());
      say(`${share} % of new workflows go to ${buildId}`);
      const smoke = plan.smokeAt.includes(share) ? await tryOut(share, plan, ports) : null;
      steps.push({ share, smoke });
      await watch(since, plan, ports);
    }
    if (ports.signal?.aborted) throw new Bad('the delivery was stopped');
    await versions.setCurrent(buildId, await versions.routing());
    say(`${buildId} is current${before ? `; ${before} keeps what began there until it is drained` : ''}`);
    return await verdict('delivered', null);
  } catch (error) {
    const reason = (error as Error).message;
    say(`taking ${buildId} back: ${reason}`);
    await takeBack(start, buildId, ports);
    return verdict('rolled-back', reason);
  }
}

async function tryOut(share: number, { buildId }: DeliveryPlan, ports: DeliveryPorts): Promise<string> {
  ports.say(`smoke campaign on ${buildId}, at ${share} %`);
  const { passed, message } = await ports.smoke(buildId, share);
  if (!passed) throw new Bad(`smoke campaign at ${share} %: ${message}`);
  ports.say(`smoke campaign: ${message}`);
  return message;
}

/** Stays at a share for a while; a workflow that fails on the new build ends it. */
async function watch(since: Date, plan: DeliveryPlan, ports: DeliveryPorts): Promise<void> {
  const deadline = performance.now() + plan.watchSeconds * 1000;
  for (;;) {
    if (ports.signal?.aborted) throw new Bad('the delivery was stopped');
    const failed = await ports.versions.failed(plan.buildId, since, ports.smokePrefix);
    if (failed.length)
      throw new Bad(
        `${failed.length} workflow${failed.length === 1 ? '' : 's'} failed on it: ${failed.slice(0, 5).join(', ')}`,
      );
    if (performance.now() >= deadline) return;
    await sleep(Math.min(LOOK_EVERY_MS, Math.max(1, deadline - performance.now())));
  }
}

/** Back to the routing that was there before; said again, not assumed, when it cannot be written. */
async function takeBack(start: Routing, buildId: string, { versions, say }: DeliveryPorts): Promise<void> {
  const now = await versions.routing();
  if (now.ramping === buildId) await versions.unramp(now);
  else if (now.current === buildId && start.current !== null) await versions.setCurrent(start.current, now);
  say(`routing: ${describeRouting(await versions.routing())}`);
}

/** A version is known by the queues that its workers asked: tasks of a queue it has not would go to another version. */
async function untilServed(plan: DeliveryPlan, { versions, say, signal }: DeliveryPorts): Promise<void> {
  const deadline = performance.now() + plan.workersWithinSeconds * 1000;
  for (;;) {
    const seen = (await versions.describe(plan.buildId))?.queues ?? [];
    const missing = TASK_QUEUES.filter((queue) => !seen.includes(queue));
    if (missing.length === 0) return say(`workers of ${plan.buildId} serve every queue`);
    if (signal?.aborted) throw new TitrateError('cancelled', { what: 'the delivery was stopped' });
    if (performance.now() > deadline)
      throw new TitrateError('not-found', {
        what: `no worker of build ${plan.buildId} has asked for work on ${missing.join(', ')} in ${plan.workersWithinSeconds} s`,
        where: `Worker Deployment ${versions.deployment}`,
        remedy: `kubectl get pods -n titrate -l titrate.dev/build-id=${plan.buildId}; nothing was routed to it`,
      });
    await sleep(LOOK_EVERY_MS);
  }
}

function requireFree(buildId: string, { ramping }: Routing, deployment: string): void {
  if (ramping === null || ramping === buildId) return;
  throw new TitrateError('conflict', {
    what: `${ramping} is being ramped`,
    where: `Worker Deployment ${deployment}`,
    remedy: `Wait for that delivery, or end it: temporal worker deployment set-ramping-version --deployment-name ${deployment} --delete`,
  });
}
