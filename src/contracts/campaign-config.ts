import { z } from 'zod';
import { CAMPAIGN_ID_PATTERN } from './ids';
import { featurizerSchema, type FeaturizerInput } from './features';
import { moleculeCapsSchema, standardisationSchema } from './molecules';
import { modelFamilySchema, splitSchema } from './models';
import { rolloutConfigSchema } from './rollout';
import { sourceSchema } from './sources';

export const strategySchema = z.enum(['random', 'greedy', 'ucb', 'ei', 'thompson']);
export type Strategy = z.infer<typeof strategySchema>;

const duration = z
  .string()
  .regex(
    /^\d+(\.\d+)?\s*(ms|s|m|h|d|seconds?|minutes?|hours?|days?|weeks?)$/,
    "expected a duration such as '14 days' or '30s'",
  );

/** Morgan radius 3 + atom pairs with counts: the best of the cheap ones on docking and measured sets alike. */
const DEFAULT_FEATURIZERS: FeaturizerInput[] = [
  {
    kind: 'concatenation',
    parts: [
      { kind: 'morgan', radius: 3, bits: 4096, counts: 'simulated' },
      { kind: 'atom-pair', bits: 4096, counts: 'simulated' },
    ],
  },
];

export const campaignConfigSchema = z.strictObject({
  version: z.literal(1).default(1),
  campaignId: z
    .string()
    .regex(CAMPAIGN_ID_PATTERN)
    .optional()
    .describe('Must equal the workflow id; left out, it is taken from it.'),
  title: z.string().max(200).optional(),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1),
  objective: z.strictObject({
    property: z.string().min(1).max(100),
    direction: z.enum(['maximize', 'minimize']),
    unit: z.string().max(50).optional(),
    target: z
      .number()
      .optional()
      .describe('Stop when a measured value is at least (maximize) or at most (minimize) this.'),
  }),
  pool: z
    .strictObject({
      sources: z.array(sourceSchema).min(1).max(100).optional(),
      dataset: z
        .string()
        .min(1)
        .max(300)
        .optional()
        .describe(
          "Instead of sources: a dataset ingested before, as 'name' (its head), 'name@tag' or a version id 'data_…'.",
        ),
      caps: moleculeCapsSchema.prefault({}),
      standardisation: standardisationSchema.prefault({}),
    })
    .refine((pool) => (pool.sources === undefined) !== (pool.dataset === undefined), {
      message: 'expected either sources or dataset',
    }),
  featurizers: z.array(featurizerSchema).min(1).max(8).prefault(DEFAULT_FEATURIZERS),
  exploration: z
    .strictObject({
      families: z.array(modelFamilySchema).min(1).default(['gaussian-process', 'mlp-ensemble']),
      maxRows: z
        .union([z.literal('auto'), z.number().int().min(16).max(5000)])
        .default('auto')
        .describe(
          "Size of the downscaled set, labels; 'auto' begins with 128 and doubles until the learning curves of the leading trials are settled.",
        ),
      folds: z.number().int().min(2).max(10).default(3),
      trialsPerFamily: z.number().int().min(1).max(50).default(3),
      epochs: z
        .number()
        .int()
        .min(1)
        .max(1000)
        .default(30)
        .describe('Epochs of a full-length ensemble trial.'),
      split: splitSchema
        .default('random')
        .describe(
          "What a trial's folds hold out: rows at random, whole scaffolds, or what was measured later ('time').",
        ),
      warmStart: z
        .strictObject({
          earlierRounds: z
            .boolean()
            .default(true)
            .describe("Whether the best settings of this campaign's earlier rounds are tried again."),
          campaigns: z
            .array(z.string().regex(CAMPAIGN_ID_PATTERN))
            .max(20)
            .default([])
            .describe('Other campaigns of this installation whose best settings are tried.'),
          maxTrials: z
            .number()
            .int()
            .min(1)
            .max(20)
            .default(3)
            .describe('Trials that enter this way, at most; beside those of trialsPerFamily.'),
        })
        .prefault({})
        .describe('Settings that did well before enter as trials ahead of the drawn ones.'),
    })
    .prefault({}),
  training: z
    .strictObject({
      members: z.number().int().min(2).max(20).default(5).describe('Networks in an ensemble.'),
      epochs: z.number().int().min(1).max(2000).default(60),
      folds: z
        .number()
        .int()
        .min(2)
        .max(10)
        .default(5)
        .describe('Folds of the held-out evaluation and calibration.'),
      split: splitSchema
        .optional()
        .describe('What the held-out evaluation and calibration hold out. Default: as exploration.split.'),
    })
    .prefault({}),
  acquisition: z
    .strictObject({
      strategy: strategySchema.default('ei'),
      batchSize: z.number().int().min(1).max(2000).default(32),
      initialSize: z
        .number()
        .int()
        .min(1)
        .max(2000)
        .optional()
        .describe('Size of the first, random batch. Default: batchSize.'),
      kappa: z.number().min(0).max(10).default(1).describe('UCB: mean + kappa x standard deviation.'),
      randomShare: z
        .number()
        .min(0)
        .max(1)
        .default(0)
        .describe('Share of every batch picked at random, an unbiased yardstick.'),
    })
    .prefault({}),
  budget: z
    .strictObject({
      rounds: z.number().int().min(1).max(1000).default(6),
      measurements: z
        .number()
        .int()
        .min(1)
        .optional()
        .describe('Stop before a batch would take the number of assays over this.'),
    })
    .prefault({}),
  stopping: z
    .strictObject({
      plateauRounds: z
        .number()
        .int()
        .min(1)
        .max(100)
        .optional()
        .describe('Stop after this many rounds without a better value.'),
    })
    .prefault({}),
  lab: z
    .strictObject({
      approval: z
        .enum(['automatic', 'manual'])
        .default('automatic')
        .describe("'manual': a batch waits for the update approveBatch."),
      minimumReturned: z
        .number()
        .min(0)
        .max(1)
        .default(1)
        .describe('Share of a batch that must be back before the next round starts.'),
      closeAfter: duration
        .default('60 days')
        .describe('Start the next round with what is back after this time.'),
      retryFailed: z
        .boolean()
        .default(false)
        .describe('Whether a molecule whose assay failed may be proposed again.'),
    })
    .prefault({}),
  rollout: rolloutConfigSchema.prefault({}),
});
export type CampaignConfig = z.infer<typeof campaignConfigSchema>;
export type CampaignConfigInput = z.input<typeof campaignConfigSchema>;

export type WarmStart = CampaignConfig['exploration']['warmStart'];
/** What campaigns do that were started before there was a warm start: settings are drawn anew in every round. */
export const COLD_START: WarmStart = { earlierRounds: false, campaigns: [], maxTrials: 1 };
