import {
  featurizerName,
  MEDIA_TYPES,
  type ArtifactRef,
  type HeldOutPrediction,
  type ModelCard,
  type RoundRecord,
  type TrackedArtifact,
  type TrackingEntry,
  versionParts,
} from '../contracts';
import { decodeNdjson } from '../foundation';
import type { ObjectStore } from '../objects';
import type { CampaignLog } from './campaign-log';
import { datasetArtifactName, modelArtifactName, trackedRunId } from './names';
import { parseVersionNumber } from './model-name';
import type { ModelRegistry } from './registry';
import { campaignRun, trainingRun, trialRuns } from './round-runs';
import type { TrackingSpool } from './spool';
import { trackedObject } from './values';

export interface TrackRoundsOptions {
  readonly objects: ObjectStore;
  readonly log: CampaignLog;
  readonly registry: Pick<ModelRegistry, 'card'>;
  readonly spool: TrackingSpool;
}

/**
 * Spools every recorded round of the campaign that is not in the spool yet: the campaign's log is where rounds come from, so one whose
 * own occasion was missed, by whatever went down, is found on the next.
 * @returns numbers of the rounds that were added.
 */
export async function trackRounds(campaignId: string, options: TrackRoundsOptions): Promise<number[]> {
  const { log, spool } = options;
  const known = new Set((await spool.entries(campaignId)).map(({ number }) => number));
  const { config, rounds } = await log.rounds(campaignId);
  const added: number[] = [];
  for (const [index, record] of rounds.entries()) {
    const number = record.summary.round;
    if (known.has(number)) continue;
    const entry = await entryOf(
      campaignId,
      record,
      campaignRun(campaignId, config, rounds.slice(0, index + 1)),
    );
    if (await spool.add(entry)) added.push(number);
  }
  return added;

  async function entryOf(
    id: string,
    record: RoundRecord,
    whole: TrackingEntry['runs'][number],
  ): Promise<TrackingEntry> {
    const { objects, registry } = options;
    const { round } = record.summary;
    const card = record.model ? await registry.card(record.model) : null;
    const predictions = record.evaluation
      ? decodeNdjson<HeldOutPrediction>(await objects.get(record.evaluation.predictions))
      : [];
    const data = card && datasetArtifactName(id, round);
    const training = card && trainingRun({ campaignId: id, record, card, predictions, data });
    const put = (value: unknown) =>
      objects.put(Buffer.from(JSON.stringify(value, null, 2)), MEDIA_TYPES.json);
    return {
      campaignId: id,
      number: round,
      runs: [whole, ...(training ? [training] : []), ...trialRuns({ campaignId: id, record })],
      artifacts:
        card && training
          ? [
              await dataArtifact(id, card, whole.runId, put),
              await modelArtifact(id, record, card, training.runId, put),
            ]
          : [],
    };
  }
}

type Put = (value: unknown) => Promise<ArtifactRef>;

/** What the model learnt from: the aggregated labels of the cut, and where they come from. */
async function dataArtifact(
  campaignId: string,
  card: ModelCard,
  runId: string,
  put: Put,
): Promise<TrackedArtifact> {
  const origin = {
    campaign: campaignId,
    round: card.round,
    dataVersion: card.dataVersion,
    cutId: card.cutId,
    property: card.property,
    unit: card.unit ?? null,
    labels: card.labels,
  };
  return {
    ...datasetArtifactName(campaignId, card.round),
    type: 'dataset',
    description: `${card.labels} labels of ${card.property} that round ${card.round} learnt from`,
    metadata: trackedObject(origin),
    runId,
    files: [
      { name: 'dataset.json', content: await put(origin) },
      { name: 'training.ndjson', content: card.training },
    ],
  };
}

async function modelArtifact(
  campaignId: string,
  record: RoundRecord,
  card: ModelCard,
  runId: string,
  put: Put,
): Promise<TrackedArtifact> {
  const id = record.model!.id;
  const number = parseVersionNumber(versionParts(id).version)!;
  return {
    ...modelArtifactName(campaignId, number),
    type: 'model',
    description: `${id}: ${card.family} on ${featurizerName(card.featurizer)} for ${card.property}`,
    metadata: {
      model: id,
      family: card.family,
      featurizer: featurizerName(card.featurizer),
      labels: card.labels,
      dataVersion: card.dataVersion,
      cutId: card.cutId,
      metrics: trackedObject(card.metrics),
    },
    runId,
    files: [
      { name: 'calibration.json', content: await put(card.calibration) },
      { name: 'card.json', content: record.model!.card },
      { name: 'weights.bin', content: card.weights },
    ],
  };
}

/** Id of the run that shows a campaign as a whole. */
export const campaignRunId = (campaignId: string) => trackedRunId(campaignId, null, 'campaign');
