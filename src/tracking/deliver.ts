import { TitrateError, type TrackedArtifact, type TrackedRun, type TrackingDelivery } from '../contracts';
import { missingFromArtifact, missingFromRun } from './compare';
import { modelArtifactName } from './names';
import type { ModelRegistry } from './registry';
import type { TrackingSpool } from './spool';
import type { ExperimentTracker } from './tracker';

export interface DeliverOptions {
  readonly spool: TrackingSpool;
  readonly tracker: ExperimentTracker;
  readonly registry: Pick<ModelRegistry, 'aliases' | 'alias'>;
  readonly signal: AbortSignal;
  readonly onProgress?: (message: string) => void;
}

/** Times what arrived is sent again before the attempt is given up; whoever called tries again later. */
const SENDINGS = 3;

/**
 * Sends what has not arrived yet of a campaign, reads back what came of it, and sends again what is missing; then moves the
 * destination's aliases to where our own pointer log has them. An entry counts as delivered only when all of it was read back.
 * Runs go before the artifacts they made; a run that several entries bring is sent as the last of them has it.
 * @throws TitrateError unavailable when something is still missing; nothing is lost, the entries stay pending.
 */
export async function deliverCampaign(
  campaignId: string,
  options: DeliverOptions,
): Promise<TrackingDelivery> {
  const { spool, tracker, signal, onProgress = () => {} } = options;
  const { destination } = tracker;
  const pending = await spool.pending(campaignId, destination);
  const entries = await Promise.all(pending.map((entry) => spool.read(entry)));
  const runs = new Map<string, TrackedRun>();
  const artifacts = new Map<string, TrackedArtifact>();
  for (const entry of entries) {
    for (const run of entry.runs) runs.set(run.runId, run);
    for (const artifact of entry.artifacts)
      artifacts.set(`${artifact.collection}:${artifact.version}`, artifact);
  }

  await untilThere('runs', async () => {
    const missing: TrackedRun[] = [];
    let words = '';
    for (const run of runs.values()) {
      // What a run used can only be there once the artifacts are.
      const lack = missingFromRun({ ...run, uses: [] }, await tracker.run(run.runId, signal));
      if (lack) missing.push(run);
      if (lack) words = `${lack} of ${run.name}`;
    }
    return {
      words,
      send: () =>
        tracker.putRuns(
          missing.map((run) => ({ ...run, uses: [] })),
          signal,
        ),
    };
  });
  for (const artifact of artifacts.values()) {
    onProgress(`${artifact.collection} ${artifact.version}`);
    await untilThere(`${artifact.collection} ${artifact.version}`, async () => ({
      words: missingFromArtifact(artifact, await tracker.artifact(artifact, signal)) ?? '',
      send: () => tracker.putArtifact(artifact, signal),
    }));
  }
  for (const run of runs.values()) {
    if (run.uses.length === 0) continue;
    await untilThere(run.name, async () => ({
      words: missingFromRun(run, await tracker.run(run.runId, signal)) ?? '',
      send: () => tracker.putRuns([run], signal),
    }));
  }
  for (const entry of pending) await spool.markDelivered(campaignId, entry, destination);

  return {
    destination,
    delivered: pending.map(({ number }) => ({ campaignId, number })),
    runs: runs.size,
    artifacts: artifacts.size,
    aliases: await mirrorAliases(campaignId, options),
  };

  async function untilThere(
    what: string,
    look: () => Promise<{ words: string; send: () => Promise<void> }>,
  ): Promise<void> {
    for (let sent = 0; ; sent++) {
      signal.throwIfAborted();
      const { words, send } = await look();
      if (words === '') return;
      if (sent === SENDINGS) {
        throw new TitrateError('unavailable', {
          what: `${words} did not arrive, though it was sent ${SENDINGS} times without an error`,
          where: `${destination}, ${what}`,
          remedy: 'It stays in the spool and is sent again; titrate tracking deliver does it now',
        });
      }
      onProgress(`sending ${what}: ${words}`);
      await send();
    }
  }
}

/**
 * Moves every alias of the campaign's models to the version our pointer log names. The log is the authority: what somebody moved
 * at the destination moves back. Versions that are not tracked yet are left for the next occasion.
 */
async function mirrorAliases(campaignId: string, options: DeliverOptions): Promise<string[]> {
  const { tracker, registry, signal } = options;
  const moved: string[] = [];
  for (const alias of await registry.aliases(campaignId)) {
    const version = await registry.alias(campaignId, alias);
    if (!version) continue;
    const name = modelArtifactName(campaignId, version.number);
    if ((await tracker.aliased(name.collection, alias, signal)) === name.version) continue;
    try {
      await tracker.moveAlias(name, alias, signal);
    } catch (error) {
      if (error instanceof TitrateError && error.code === 'not-found') continue;
      throw error;
    }
    const at = await tracker.aliased(name.collection, alias, signal);
    if (at !== name.version) {
      throw new TitrateError('unavailable', {
        what: `the alias '${alias}' was moved to ${name.version} and is on ${at ?? 'nothing'}`,
        where: `${tracker.destination}, ${name.collection}`,
        remedy: 'It is moved again on the next occasion; titrate tracking deliver does it now',
      });
    }
    moved.push(`${campaignId}@${alias} -> ${name.version}`);
  }
  return moved;
}
