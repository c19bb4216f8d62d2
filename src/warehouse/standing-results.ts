import { decodeNdjson } from '../foundation';
import type { ObjectStore } from '../objects';
import { createCampaignLog } from './campaign-log';
import type { ResultsChunk } from './journal';
import type { ResolvedResult } from './warehouse';

/** Every result of a campaign that was not replaced, in the order of arrival, from the records themselves: no warehouse has to be open. */
export async function readStandingResults(
  objects: ObjectStore,
  campaignId: string,
): Promise<ResolvedResult[]> {
  const rows: ResolvedResult[] = [];
  for await (const { value } of createCampaignLog<ResultsChunk>(objects, campaignId, 'results').after(0))
    rows.push(...decodeNdjson<ResolvedResult>(await objects.get(value.chunk)));
  const replaced = new Set(rows.flatMap(({ replaces }) => replaces ?? []));
  return rows.filter(({ resultId }) => !replaced.has(resultId));
}
