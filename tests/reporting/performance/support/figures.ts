import {
  campaignConfigSchema,
  type CampaignConfigInput,
  type CampaignRecord,
  type Cut,
  type ExplorationRecord,
  type FeaturizerSpec,
  type QueueWork,
  type RoundRecord,
  type RoundWork,
  type TrialResult,
  type TrialSpec,
} from '../../../../src/contracts';
import { figuresOf, suggestionsFor, type PerformanceInput } from '../../../../src/reporting/performance';

const metrics = (rmse: number, n = 200) => ({
  ...{ n, rmse, mae: rmse, r2: 0.5, spearman: 0.5, nll: 1, coverage90: 0.9 },
});

interface TrialWanted {
  readonly id: string;
  /** Error on each rung that it reached. */
  readonly errors: readonly number[];
  readonly seconds?: number;
  readonly network?: boolean;
  readonly featurizer?: FeaturizerSpec;
}

/** An exploration whose trials went as is said, on `rows` labels a rung. */
export function exploration(
  trials: readonly TrialWanted[],
  chosen: string,
  rows: readonly number[],
  featurizer: FeaturizerSpec,
): ExplorationRecord {
  const specs = trials.map((trial): TrialSpec => ({
    trialId: trial.id,
    featurizer: trial.featurizer ?? featurizer,
    settings: trial.network
      ? ({ family: 'mlp-ensemble' } as TrialSpec['settings'])
      : { family: 'gaussian-process', noiseRatios: [0.1] },
  }));
  const results = trials.flatMap(({ id, errors, seconds = 1, network }) =>
    errors.map((error, rung): TrialResult => ({
      ...{ trialId: id, rung, rows: rows[rung]!, metrics: metrics(error), computeSeconds: seconds },
      backend: network ? 'wasm' : 'float64',
    })),
  );
  return {
    ...{ subsetRows: rows.at(-1)!, labels: rows.at(-1)!, folds: 3, results, failures: [], rule: '' },
    rungs: rows.map((_, rung) => ({
      rung,
      effort: 3 ** (rung + 1 - rows.length),
      trials: trials.filter(({ errors }) => errors.length > rung).map(({ id }) => id),
    })),
    trials: specs,
    chosen: specs.find(({ trialId }) => trialId === chosen)!,
  };
}

interface RoundWanted {
  readonly labels?: number;
  readonly batchSize?: number;
  readonly rmse?: number;
  readonly best?: number;
  readonly exploration?: ExplorationRecord;
  /** Seconds by stage; a negative one was on record. */
  readonly seconds?: Readonly<Record<string, number>>;
  readonly cut?: Partial<Cut>;
  readonly backend?: string;
}

function roundRecord(round: number, wanted: RoundWanted): RoundRecord {
  const { labels = 100, batchSize = 0, rmse = 0.5, best = 1, backend = 'wasm' } = wanted;
  const cut = {
    labels,
    measured: labels,
    censored: 0,
    failed: 0,
    abandoned: 0,
    pendingCount: 0,
    ...wanted.cut,
  };
  const evaluation = { metrics: metrics(rmse), computeSeconds: 0.5, backend };
  return {
    summary: { round, labels, batchSize, best, family: 'gaussian-process', backend, metrics: metrics(rmse) },
    cut,
    exploration: wanted.exploration ?? null,
    evaluation,
    sheet: null,
    timings: Object.entries(wanted.seconds ?? { train: 10 }).map(([stage, seconds]) => ({
      ...{ stage, round, seconds: Math.abs(seconds), cached: seconds < 0 },
    })),
  } as unknown as RoundRecord;
}

export const queue = (name: string, changes: Partial<QueueWork>): QueueWork => ({
  ...{ queue: name, activities: 10, waitedSeconds: 0, ranSeconds: 10, busySeconds: 10, blockedSeconds: 0 },
  ...{ unattendedSeconds: 0, spanSeconds: 10, mostAtOnce: 1, mostWaiting: 0, workers: 1 },
  ...changes,
});

/** Of a round that took a minute; the next begins `lab` seconds later. */
export const roundWork = (round: number, changes: Partial<RoundWork> = {}, lab = 60): RoundWork => {
  const at = Date.UTC(2026, 0, 1) + (round - 1) * (60 + lab) * 1000;
  return {
    ...{ round, activities: [], queues: [], intake: null },
    startedAt: new Date(at).toISOString(),
    endedAt: new Date(at + 60_000).toISOString(),
    ...changes,
  };
};

export interface Wanted {
  readonly config?: Partial<CampaignConfigInput>;
  readonly rounds?: readonly RoundWanted[];
  readonly work?: readonly RoundWork[];
  readonly input?: Partial<PerformanceInput>;
}

export function performanceInput({ config, rounds = [{}], work = [], input }: Wanted): PerformanceInput {
  const record = {
    campaignId: 'c',
    config: campaignConfigSchema.parse({
      objective: { property: 'p', direction: 'maximize' },
      pool: { sources: [{ uri: 'pool.csv' }] },
      ...config,
    }),
    ...{ poolSize: 1000, stopReason: null, finalCut: null },
    rounds: rounds.map((round, i) => roundRecord(i + 1, round)),
  } as CampaignRecord;
  return {
    ...{ record, work, training: [], assays: null },
    forecast: record.rounds.map(({ summary }) => ({ round: summary.round, stages: { train: 5 } })),
    rates: { featurizationCoreHour: 0.03, learningMachineHour: 0.8, idleSeconds: 0 },
    installation: {
      ...{ profile: 'local', cores: 4, training: 'local', acceleratorCount: 0 },
      threads: { chemistry: 4, learning: 4 },
    },
    ...input,
  };
}

/** Names of the rules that have something to say, the greatest gain first. */
export const rulesFor = (wanted: Wanted) =>
  suggestionsFor(figuresOf(performanceInput(wanted))).map(({ rule }) => rule);
export const saidFor = (wanted: Wanted) => suggestionsFor(figuresOf(performanceInput(wanted)));
