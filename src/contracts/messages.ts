import { z } from 'zod';

/** Names of workflows, signals, updates and queries. Anything that can speak to Temporal drives a campaign by these. */
export const WORKFLOWS = {
  campaign: 'activeLearningCampaign',
  cycle: 'learningCycle',
  ingestion: 'ingestion',
  featurization: 'featurization',
  exploration: 'exploration',
  training: 'training',
  rollout: 'rollout',
  tracking: 'tracking',
  modelUploads: 'modelUploads',
  driftWatch: 'driftWatch',
} as const;

export const SIGNALS = {
  labResults: 'labResults',
  pause: 'pause',
  resume: 'resume',
  stop: 'stop',
  respondToDrift: 'respondToDrift',
} as const;
export const UPDATES = {
  submitResults: 'submitResults',
  approveBatch: 'approveBatch',
  rollbackData: 'rollbackData',
  rollbackModel: 'rollbackModel',
  decideDrift: 'decideDrift',
} as const;
/** Of a rollout: each is a signal and an update. */
export const ROLLOUT_DECISIONS = { approve: 'approveRollout', rollback: 'rollbackRollout' } as const;
export const QUERIES = {
  status: 'status',
  currentBatch: 'currentBatch',
  history: 'history',
  rollout: 'rollout',
} as const;

/** Update `rollbackData`: whose data the coming rounds learn from. */
export const rollbackDataSchema = z.strictObject({
  to: z
    .string()
    .min(1)
    .max(300)
    .describe(
      "'data_…' or 'name@tag': another version of the pool and the values measured before. 'round/N' or 'cut_…': the results that round knew. 'latest': every result that ever arrived, on the pool the campaign began with.",
    ),
  by: z.string().min(1).max(200).describe('Who asks.'),
  reason: z.string().min(1).max(2000).describe('Why: kept in the history.'),
});
export type RollbackData = z.infer<typeof rollbackDataSchema>;

/** Answer of `rollbackData`. */
export interface DataMoved {
  /** Number of the branch now in force. */
  readonly branch: number;
  readonly to: string;
  readonly dataVersion: string;
  /** Results that count now; later ones are added to them. */
  readonly results: number;
}

/** Update `rollbackModel`: which version serves, whatever the coming rounds train. */
export const rollbackModelSchema = z
  .strictObject({
    to: z
      .string()
      .min(1)
      .max(300)
      .optional()
      .describe(
        "'v3', '3', 'campaign/v3' or '@candidate': the version to put into production, and to hold there.",
      ),
    release: z
      .literal(true)
      .optional()
      .describe('Instead of `to`: production stays where it is, and later rollouts may move it again.'),
    by: z.string().min(1).max(200).describe('Who asks.'),
    reason: z.string().min(1).max(2000).describe('Why: kept in the history.'),
  })
  .refine(({ to, release }) => (to === undefined) !== (release === undefined), {
    message: "expected either 'to' or 'release: true'",
  });
export type RollbackModel = z.infer<typeof rollbackModelSchema>;

/** Answer of `rollbackModel`. */
export interface ModelMoved {
  /** Version that was in production before. */
  readonly from: string | null;
  readonly to: string;
  /** Number of this move in the history of `production`. */
  readonly move: number;
  /** What is in production now (a late repetition of an earlier request moves nothing), and whether it is held there. */
  readonly production: { readonly version: string; readonly held: boolean };
  /** What the inference server made of it; null for a release, which deploys nothing. */
  readonly deployment: {
    readonly status: 'ready' | 'failed' | 'superseded' | 'held';
    readonly message: string;
  } | null;
}
