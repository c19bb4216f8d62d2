import { z } from 'zod';
import { durationSchema } from './durations';
import type { GateVerdict } from './models';

const duration = durationSchema('10 minutes');
const smiles = z.string().min(1).max(1000);

/** Something a model must say of named molecules, in the unit of the property, whatever it was trained on. */
export const behaviourCheckSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('above'),
    smiles,
    than: smiles.describe('Molecule whose predicted value is the lower one.'),
    by: z.number().min(0).default(0).describe('Least difference.'),
  }),
  z.strictObject({
    kind: z.literal('range'),
    smiles,
    min: z.number().optional(),
    max: z.number().optional(),
  }),
  z.strictObject({
    kind: z.literal('rising'),
    smiles: z.array(smiles).min(2).max(100).describe('Each predicted at least as high as the one before.'),
  }),
]);
export type BehaviourCheck = z.infer<typeof behaviourCheckSchema>;

export const trialModeSchema = z.enum(['canary', 'shadow']);
/** How a candidate is tried: canary answers a share of the requests, shadow is asked beside the model that answers. */
export type TrialMode = z.infer<typeof trialModeSchema>;

export const rolloutStepSchema = z.strictObject({
  mode: trialModeSchema.default('canary'),
  share: z.number().min(0).max(100).describe('Percent of the requests.'),
  watch: duration.default('5s').describe('Watched for so long at least.'),
  within: duration.default('10 minutes').describe('After this time there is enough data or there is not.'),
  requests: z.number().int().min(0).default(50).describe('Requests to the candidate that are enough data.'),
});
export type RolloutStep = z.infer<typeof rolloutStepSchema>;

export const rolloutConfigSchema = z.strictObject({
  enabled: z.boolean().default(true),
  maxRmseRatio: z
    .number()
    .positive()
    .default(1.1)
    .describe('Gate: held-out RMSE at most this times that of the live model.'),
  minCoverage90: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe('Gate: held-out coverage of the 90 % interval.'),
  budget: z
    .strictObject({
      loadSeconds: z.number().positive().default(60).describe('To load the model.'),
      p99Milliseconds: z
        .number()
        .positive()
        .default(1000)
        .describe('For a request of one molecule, slowest of a hundred.'),
      memoryMegabytes: z.number().positive().default(2048).describe('Growth of resident memory.'),
    })
    .prefault({})
    .describe('Gate: what a model may take of the machine.'),
  checks: z
    .array(behaviourCheckSchema)
    .max(100)
    .default([])
    .describe('Gate: what a model must say of named molecules.'),
  steps: z
    .array(rolloutStepSchema)
    .max(20)
    .prefault([{ share: 10 }, { share: 50 }])
    .describe('How a model that passed its gates is tried, one after the other, before it serves.'),
  notEnoughData: z
    .enum(['go-on', 'hold'])
    .default('go-on')
    .describe("A step that saw too few requests in its time: 'hold' waits for more, or for a person."),
  approval: z
    .enum(['auto', 'manual'])
    .default('auto')
    .describe("'manual': a model that passed everything waits for approveRollout."),
  trial: z
    .strictObject({
      maxErrorShare: z
        .number()
        .min(0)
        .max(1)
        .default(0.01)
        .describe('Share of failing requests beyond that of the live model.'),
      maxLatencyRatio: z.number().positive().default(2).describe('p99 at most this times the live p99.'),
      latencyAllowanceMilliseconds: z
        .number()
        .min(0)
        .default(100)
        .describe('p99 may always be so much longer than the live p99.'),
      maxShift: z
        .number()
        .positive()
        .default(1)
        .describe('Mean prediction at most so many standard deviations from that of the live model.'),
      maxDisagreement: z
        .number()
        .positive()
        .default(2)
        .describe('Shadow: rms difference at most this times the held-out RMSE of the live model.'),
    })
    .prefault({})
    .describe('What a candidate on trial is judged by.'),
});
export type RolloutConfig = z.infer<typeof rolloutConfigSchema>;

/** What one model version did in a stretch of time. */
export interface VersionFigures {
  /** Version id such as `solubility-42/v3`. */
  readonly version: string;
  /** Requests that this version was given. */
  readonly requests: number;
  /** Of these, answered with 5xx, or not answered by its process. */
  readonly errors: number;
  /** From the request to the end of the answer, seconds; null without a request. */
  readonly latencySeconds: { readonly p50: number; readonly p99: number } | null;
  /** Molecules that were predicted. */
  readonly molecules: number;
  /** Of the predicted values, in the unit of the property; null without a molecule. */
  readonly prediction: { readonly mean: number; readonly standardDeviation: number } | null;
  /** Molecules without a prediction. */
  readonly rejected: number;
  /** Shadow: candidate minus stable on the same molecules; null where nothing was compared. */
  readonly agreement: {
    readonly pairs: number;
    readonly meanDifference: number;
    readonly rmsDifference: number;
  } | null;
}

/** One thing that a candidate on trial is judged by. */
export interface TrialVerdict {
  readonly check: 'process' | 'errors' | 'latency' | 'shift' | 'agreement';
  readonly verdict: 'ok' | 'bad' | 'not-enough-data';
  readonly evidence: string;
}

export const ROLLOUT_PHASES = [
  'gates',
  'starting',
  'watching',
  'awaiting-approval',
  'promoting',
  'rolling-back',
  'ended',
] as const;
export type RolloutPhase = (typeof ROLLOUT_PHASES)[number];

/** Answer of the query `rollout`: exactly where it stands. */
export interface RolloutStatus {
  readonly campaignId: string;
  readonly version: string;
  /** The version that serves meanwhile; null where none does. */
  readonly stable: string | null;
  readonly phase: RolloutPhase;
  readonly gates: readonly GateVerdict[];
  readonly step: {
    /** From 1. */
    readonly number: number;
    readonly of: number;
    readonly mode: TrialMode;
    readonly share: number;
    /** Requests to the candidate that are enough. */
    readonly requests: number;
    /** ISO 8601: since when it is watched, and when its time is over. */
    readonly since: string;
    readonly deadline: string;
  } | null;
  /** Of the last look: the candidate's, then those of the version that serves. */
  readonly figures: readonly VersionFigures[];
  readonly verdicts: readonly TrialVerdict[];
  readonly message: string;
  readonly events: readonly { readonly at: string; readonly message: string }[];
}

/** Signal and update `approveRollout` and `rollbackRollout`. */
export const rolloutDecisionSchema = z.strictObject({
  by: z.string().min(1).max(200).optional().describe('Who decides.'),
  reason: z.string().min(1).max(2000).optional().describe('Why: kept in the history.'),
  version: z
    .string()
    .max(300)
    .optional()
    .describe('Guards against deciding on another version than the one that was read.'),
});
export type RolloutDecision = z.infer<typeof rolloutDecisionSchema>;
