import {
  featurizerName,
  roundId,
  type CampaignConfig,
  type HeldOutPrediction,
  type ModelCard,
  type RoundRecord,
  type RoundSummary,
  type TrackedArtifactName,
  type TrackedRun,
  type TrackedTable,
} from '../contracts';
import { trackedRunId } from './names';
import { numbersOf, trackedObject, trackedValue } from './values';

/** A round as it is tracked: its record, and what the record refers to. */
export interface TrackedRound {
  readonly campaignId: string;
  readonly record: RoundRecord;
  readonly card: ModelCard | null;
  readonly predictions: readonly HeldOutPrediction[];
  readonly data: TrackedArtifactName | null;
}

const tagsOf = (campaignId: string) => [campaignId];

/** What a round knew of its further properties, and how well it predicts them. */
const furtherNumbers = ({ others = [] }: Pick<RoundSummary, 'others'>): Record<string, number> =>
  Object.assign(
    {},
    ...others.map(({ property, labels, failed, metrics }) =>
      numbersOf(`others/${property}`, { labels, failed, metrics }),
    ),
  ) as Record<string, number>;

/** The campaign as one run with a step a round: how labels, the best value and the held-out metrics went. */
export function campaignRun(
  campaignId: string,
  config: CampaignConfig | null,
  rounds: readonly RoundRecord[],
): TrackedRun {
  const points = rounds.map(({ summary }) => ({
    round: summary.round,
    labels: summary.labels,
    failed: summary.failed,
    batchSize: summary.batchSize,
    ...numbersOf('best', summary.best),
    ...numbersOf('metrics', summary.metrics),
    ...(summary.front && {
      ...numbersOf('front/size', summary.front.size),
      ...numbersOf('front/hypervolume', summary.front.hypervolume),
    }),
    ...furtherNumbers(summary),
  }));
  const last = rounds.at(-1)!.summary;
  return {
    runId: trackedRunId(campaignId, null, 'campaign'),
    name: campaignId,
    group: campaignId,
    jobType: 'campaign',
    tags: tagsOf(campaignId),
    notes: 'One step a round. The records of the campaign in its own object store are the authority.',
    config: { campaign: campaignId, ...(config ? trackedObject(config) : {}) },
    history: points.map((values, step) => ({ step, values })),
    summary: {
      ...points.at(-1)!,
      family: last.family,
      featurizer: last.featurizer,
      modelVersion: last.modelVersion,
    },
    tables: [],
    uses: [],
  };
}

/** The training of a round's model: what it was made with, what it is worth, and every held-out prediction. */
export function trainingRun(round: TrackedRound & { readonly card: ModelCard }): TrackedRun {
  const { campaignId, record, card, data } = round;
  const { weights: _weights, training: _training, metrics, calibration, ...settings } = card;
  return {
    runId: trackedRunId(campaignId, card.round, 'training'),
    name: `${campaignId} round ${card.round}: ${card.family}`,
    group: roundId(campaignId, card.round),
    jobType: 'training',
    tags: tagsOf(campaignId),
    notes: record.exploration ? `Chosen by exploration: ${record.exploration.rule}` : '',
    config: {
      campaign: campaignId,
      ...trackedObject(settings),
      featurizer: featurizerName(card.featurizer),
      modelVersion: record.model?.id ?? null,
    },
    history: [],
    summary: {
      metrics: trackedObject(metrics),
      calibration: trackedObject(calibration),
      labels: card.labels,
      ...(record.others && {
        others: trackedObject(
          Object.fromEntries(
            record.others.map(({ property, evaluation }) => [
              property,
              { metrics: evaluation?.metrics ?? null, calibration: evaluation?.calibration ?? null },
            ]),
          ),
        ),
      }),
      ...Object.fromEntries(record.timings.map(({ stage, seconds }) => [`seconds/${stage}`, seconds])),
    },
    tables: round.predictions.length ? [predictionTable(round.predictions)] : [],
    uses: data ? [data] : [],
  };
}

function predictionTable(predictions: readonly HeldOutPrediction[]): TrackedTable {
  return {
    name: 'held-out',
    columns: ['moleculeId', 'smiles', 'observed', 'predicted', 'standardDeviation', 'low90', 'high90'],
    rows: predictions.map(({ moleculeId, smiles, observed, predicted, standardDeviation, interval90 }) => [
      moleculeId,
      smiles,
      observed,
      predicted,
      standardDeviation,
      ...interval90,
    ]),
    plot: { kind: 'scatter', x: 'observed', y: 'predicted', title: 'Held-out predictions' },
  };
}

/** A run for every trial of the round's exploration, with a step a rung. */
export function trialRuns({ campaignId, record }: Pick<TrackedRound, 'campaignId' | 'record'>): TrackedRun[] {
  const { exploration, summary } = record;
  if (!exploration) return [];
  return exploration.trials.map((trial) => {
    const results = exploration.results
      .filter(({ trialId }) => trialId === trial.trialId)
      .sort((a, b) => a.rung - b.rung);
    const failure = exploration.failures.find(({ trialId }) => trialId === trial.trialId);
    const points = results.map(({ rung, rows, metrics, computeSeconds }) => ({
      rung,
      rows,
      computeSeconds,
      ...numbersOf('metrics', metrics),
    }));
    return {
      runId: trackedRunId(campaignId, summary.round, 'trial', trial.trialId),
      name: `${campaignId} round ${summary.round}: trial ${trial.trialId}`,
      group: roundId(campaignId, summary.round),
      jobType: 'trial',
      tags: tagsOf(campaignId),
      notes: failure ? `Failed: ${failure.message}` : '',
      config: {
        campaign: campaignId,
        round: summary.round,
        trial: trial.trialId,
        settings: trackedValue(trial.settings),
        featurizer: featurizerName(trial.featurizer),
        folds: exploration.folds,
      },
      history: points.map((values, step) => ({ step, values })),
      summary: {
        ...(points.at(-1) ?? {}),
        rungs: points.length,
        chosen: exploration.chosen.trialId === trial.trialId,
        failed: failure !== undefined,
      },
      tables: [],
      uses: [],
    };
  });
}
