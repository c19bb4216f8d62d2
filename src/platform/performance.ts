import os from 'node:os';
import type { BatchSheet, CampaignRecord, PerformanceReport, RoundWork, TrainingRow } from '../contracts';
import { decodeNdjson } from '../foundation';
import type { ObjectStore } from '../objects';
import { performanceOf, type Installation } from '../reporting/performance';
import type { CampaignLog } from '../tracking';
import { forecastRounds, PRICES, ratesOf, type Prices } from './capacity';
import type { Settings } from './settings';

export interface PerformancePorts {
  readonly settings: Settings;
  readonly objects: Pick<ObjectStore, 'get'>;
  readonly log: Pick<CampaignLog, 'read' | 'work'>;
}

/** What workers of these settings run on. */
export function installationOf({ profile, threads, training }: Settings): Installation {
  return {
    profile,
    // On Google Cloud each worker is a pod of its own; here they share this machine.
    cores: profile === 'local' ? os.availableParallelism() : null,
    threads,
    training: training.engine,
    acceleratorCount: training.acceleratorCount,
  };
}

/** Prices of the molecules handed out, where batches have them. */
async function assaysOf(
  { objects }: Pick<PerformancePorts, 'objects'>,
  { rounds }: CampaignRecord,
): Promise<number | null> {
  let sum: number | null = null;
  for (const { sheet } of rounds) {
    if (!sheet) continue;
    const { picks } = JSON.parse((await objects.get(sheet)).toString('utf8')) as BatchSheet;
    for (const { cost } of picks) if (cost !== undefined) sum = (sum ?? 0) + cost;
  }
  return sum;
}

/**
 * Where a campaign's time, money and labels went.
 * @param furtherWork of rounds whose work is not kept, e.g. read from the server now.
 * @throws TitrateError not-found
 */
export async function reportPerformance(
  ports: PerformancePorts,
  campaignId: string,
  { furtherWork = [], prices = PRICES }: { furtherWork?: readonly RoundWork[]; prices?: Prices } = {},
): Promise<PerformanceReport> {
  const { settings, objects, log } = ports;
  const record = await log.read(campaignId);
  const recorded = new Set(record.rounds.map(({ summary }) => summary.round));
  const kept = await log.work(campaignId);
  const work = [...kept, ...furtherWork.filter(({ round }) => !kept.some((one) => one.round === round))]
    .filter(({ round }) => recorded.has(round))
    .sort((a, b) => a.round - b.round);
  const cut = record.finalCut ?? record.rounds.at(-1)?.cut;
  const training = cut ? decodeNdjson<TrainingRow>(await objects.get(cut.training)) : [];
  const notes =
    settings.inference.log.share === 0
      ? [
          'the inference server keeps none of its predictions (inference.log.share is 0): drift of what it is asked cannot be seen',
        ]
      : [];
  return performanceOf(
    {
      ...{ record, work, training },
      forecast: forecastRounds(record),
      rates: ratesOf(prices, { vertex: settings.training.engine === 'vertex' }),
      installation: installationOf(settings),
      assays: await assaysOf(ports, record),
    },
    notes,
  );
}
