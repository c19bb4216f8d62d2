import type { Command } from 'commander';
import { TitrateError, trackingId, type TrackingDelivery } from '../../contracts';
import type { Ports } from '../../platform/composition';
import { reach, soon, withClient } from '../connect';
import { verb, type Cli } from '../context';
import { withPorts } from '../ports';
import { table } from '../table';

/** Temporal's word (PendingActivityState) for an activity that a worker is at; the others wait for their time. */
const STARTED = 2;

/**
 * Two deliveries of one campaign could each make a version of the same artifact, so one that a worker is at right now goes first.
 * Without a server there is no worker.
 */
async function refuseWhileDelivering(cli: Cli, campaignId: string): Promise<void> {
  const { host, port } = cli.settings.temporal;
  const reachable = await reach(host, port).then(
    () => true,
    () => false,
  );
  if (!reachable) return;
  const busy = await withClient(cli, (client) =>
    soon(client, () => client.workflow.getHandle(trackingId(campaignId)).describe()).then(
      ({ raw }) => (raw.pendingActivities ?? []).some(({ state }) => state === STARTED),
      (error: Error) => {
        if (error.name === 'WorkflowNotFoundError') return false;
        throw error;
      },
    ),
  );
  if (!busy) return;
  throw new TitrateError('conflict', {
    what: 'a worker is delivering this campaign right now',
    where: trackingId(campaignId),
    remedy: 'See titrate tracking status in a minute',
  });
}

async function chosen({ log, spool }: Ports, only: string | undefined): Promise<string[]> {
  const known = [...new Set([...(await log.campaigns()), ...(await spool.campaigns())])].sort();
  if (only === undefined) return known;
  if (known.includes(only)) return [only];
  throw new TitrateError('not-found', {
    what: `there is no campaign '${only}' here`,
    remedy: known.length ? `Known: ${known.slice(-10).join(', ')}` : 'Start one with titrate campaign start',
  });
}

const status = verb<[string | undefined], object>(async (cli, _options, only) => {
  return withPorts(cli.settings, async (ports) => {
    const { destination } = ports.tracker;
    const campaigns = await Promise.all(
      (await chosen(ports, only)).map(async (campaignId) => ({
        campaignId,
        recorded: (await ports.log.rounds(campaignId)).rounds.length,
        spooled: (await ports.spool.entries(campaignId)).length,
        pending: (await ports.spool.pending(campaignId, destination)).map(({ number }) => number),
      })),
    );
    cli.result({ destination, campaigns }, () =>
      table(
        ['campaign', 'rounds', 'spooled', 'delivered', `not yet at ${destination}`],
        campaigns.map(({ campaignId, recorded, spooled, pending }) => [
          campaignId,
          recorded,
          spooled,
          spooled - pending.length,
          pending.join(', ') || null,
        ]),
        'no campaigns',
      ),
    );
  });
});

const deliver = verb<[string | undefined], object>(async (cli, _options, only) => {
  return withPorts(cli.settings, async (ports) => {
    const { deliverCampaign, trackRounds } = await import('../../tracking');
    const interrupted = new AbortController();
    process.once('SIGINT', () => interrupted.abort());
    const deliveries: TrackingDelivery[] = [];
    for (const campaignId of await chosen(ports, only)) {
      await refuseWhileDelivering(cli, campaignId);
      await trackRounds(campaignId, ports);
      const onProgress = (message: string) => cli.say(`${campaignId}: ${message}`);
      deliveries.push(
        await deliverCampaign(campaignId, { ...ports, signal: interrupted.signal, onProgress }),
      );
    }
    cli.result(deliveries, (all) =>
      table(
        ['rounds', 'runs', 'artifacts', 'aliases', 'at'],
        all.map(({ delivered, runs, artifacts, aliases, destination }) => [
          delivered.map(({ campaignId, number }) => `${campaignId}/${number}`).join(', ') || null,
          runs,
          artifacts,
          aliases.join(', ') || null,
          destination,
        ]),
        'no campaigns',
      ),
    );
  });
});

/** `titrate tracking …`: from the records in the home directory; no Temporal server is needed. */
export function trackingVerbs(program: Command): void {
  const tracking = program.command('tracking').description('runs and models as they are shown elsewhere');
  tracking.command('status [campaign]').description('what is recorded, spooled and delivered').action(status);
  tracking
    .command('deliver [campaign]')
    .description('send what has not arrived yet, read it back, and move the aliases to where they are here')
    .action(deliver);
}
