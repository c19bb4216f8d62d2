import { asTitrateError, type CampaignRecord, type RoundWork } from '../../contracts';
import { loadPrices } from '../../platform/capacity';
import { reportPerformance } from '../../platform/performance';
import { readRoundWork } from '../../tracking';
import { withClient } from '../connect';
import type { Cli } from '../context';
import { withPorts } from '../ports';
import { describePerformance } from './words';

/**
 * Of rounds whose work is not kept (a campaign from before it was, or a server that was away): what the server still knows. Where it
 * does not answer there is nothing of them, and the report says so.
 */
async function workFromServer(
  cli: Cli,
  { campaignId, rounds }: CampaignRecord,
  kept: readonly RoundWork[],
): Promise<RoundWork[]> {
  const missing = rounds
    .map(({ summary }) => summary.round)
    .filter((round) => !kept.some((one) => one.round === round));
  if (missing.length === 0) return [];
  try {
    return await withClient(cli, async (client) => {
      const found: RoundWork[] = [];
      for (const round of missing) {
        const work = await readRoundWork(client, { campaignId, round, intake: round === missing.at(-1) });
        if (work) found.push(work);
      }
      return found;
    });
  } catch (error) {
    cli.say(`${missing.length} of ${rounds.length} rounds: ${asTitrateError(error).message}`);
    return [];
  }
}

/** `titrate report CAMPAIGN --performance`. */
export async function showPerformance(
  cli: Cli,
  campaignId: string,
  options: { readonly prices?: string },
): Promise<void> {
  await withPorts(cli.settings, async (ports) => {
    const prices = loadPrices(options.prices);
    const record = await ports.log.read(campaignId);
    const furtherWork = await workFromServer(cli, record, await ports.log.work(campaignId));
    cli.result(await reportPerformance(ports, campaignId, { furtherWork, prices }), describePerformance);
  });
}
