import { z } from 'zod';
import { constraintsSchema } from './constraints';
import { driftPolicySchema } from './drift-response';
import { durationSchema } from './durations';
import { CAMPAIGN_ID_PATTERN } from './ids';
import { featurizerSchema, type FeaturizerInput, type FeaturizerSpec } from './features';
import { moleculeCapsSchema, standardisationSchema } from './molecules';
import { modelFamilySchema, splitSchema } from './models';
import { objectiveSchema, PARETO_STRATEGIES, strategySchema } from './objective';
import { rolloutConfigSchema } from './rollout';
import { sourceSchema } from './sources';
import { stoppingSchema } from './stopping';

/**
 * Some 65,000 molecules: 1.7 CPU-seconds of scoring by a Gaussian process on 500 labels, more on more of them, beside 0.25 that a task costs by
 * itself (docs/benchmarks.md).
 */
export const SHARDS_PER_TASK = 128;

const duration = durationSchema('14 days');

/** When results are expected unless something else is said; also of campaigns from before it could be. */
export const EXPECTED_AFTER = '14 days';

/** Counts of Morgan environments and atom pairs, and descriptors: the best of the cheap ones on docking and measured sets alike. */
const DEFAULT_FEATURIZERS: FeaturizerInput[] = [
  {
    kind: 'concatenation',
    parts: [{ kind: 'morgan-counts', radius: 3 }, { kind: 'atom-pair-counts' }, { kind: 'descriptors' }],
  },
];
/** What campaigns go by that were started before that was the default. */
export const FIRST_FEATURIZERS: FeaturizerSpec[] = [
  {
    kind: 'concatenation',
    parts: [
      { kind: 'morgan', radius: 3, bits: 4096, counts: 'simulated' },
      { kind: 'atom-pair', bits: 4096, counts: 'simulated' },
    ],
  },
];

export const campaignConfigSchema = z
  .strictObject({
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
    objective: objectiveSchema,
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
        strategy: strategySchema.default('auto'),
        batching: z
          .enum(['auto', 'top', 'joint'])
          .default('auto')
          .describe(
            "'top' ranks candidates once; 'joint' accounts for what the batch already holds and for what is at the lab.",
          ),
        first: z
          .enum(['designed', 'random'])
          .default('designed')
          .describe(
            'The batch before anything is measured: spread over the pool and typical of it, or by chance.',
          ),
        batchSize: z.number().int().min(1).max(2000).default(32),
        initialSize: z
          .number()
          .int()
          .min(1)
          .max(2000)
          .optional()
          .describe('Size of the first batch. Default: batchSize.'),
        kappa: z.number().min(0).max(10).default(1).describe('UCB: mean + kappa x standard deviation.'),
        randomShare: z
          .number()
          .min(0)
          .max(1)
          .default(0)
          .describe('Share of every batch picked at random, an unbiased yardstick.'),
        constraints: constraintsSchema.optional().describe('What every batch has to obey.'),
        shardsPerTask: z
          .number()
          .int()
          .min(1)
          .max(10_000)
          .optional()
          .describe(
            `Shards of the pool (some 512 molecules each) that are scored in one task; a pool of more is shared out over the workers. It changes nothing but the time. Default: ${SHARDS_PER_TASK}.`,
          ),
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
    stopping: stoppingSchema.prefault({}),
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
        expectedAfter: duration
          .default(EXPECTED_AFTER)
          .describe(
            'When the results of a batch are expected, from its approval on: one that is out for longer is overdue, which changes nothing but what is told.',
          ),
        retryFailed: z
          .boolean()
          .default(false)
          .describe('Whether a molecule whose assay failed may be proposed again.'),
      })
      .prefault({}),
    rollout: rolloutConfigSchema.prefault({}),
    drift: driftPolicySchema.prefault({}),
  })
  .refine(({ objective, stopping }) => objective.goal === 'best' || !(stopping.plateau || stopping.gain), {
    message: "plateau and gain judge the best value: only goal 'best' has them",
    path: ['stopping'],
  })
  .refine(({ objective, stopping }) => objective.goal !== 'pareto' || stopping.plateauRounds === undefined, {
    message: "plateauRounds counts rounds without a better value of one property: goal 'pareto' has none",
    path: ['stopping', 'plateauRounds'],
  })
  .refine(
    ({ objective, acquisition }) =>
      objective.goal !== 'pareto' || (PARETO_STRATEGIES as readonly string[]).includes(acquisition.strategy),
    {
      message: `this strategy goes by one property; goal 'pareto' has ${PARETO_STRATEGIES.join(', ')}`,
      path: ['acquisition', 'strategy'],
    },
  )
  .refine(({ objective, acquisition }) => objective.goal === 'pareto' || acquisition.strategy !== 'ehvi', {
    message: "ehvi (expected hypervolume improvement) trades off several properties: it needs goal 'pareto'",
    path: ['acquisition', 'strategy'],
  });
export type CampaignConfig = z.infer<typeof campaignConfigSchema>;
export type CampaignConfigInput = z.input<typeof campaignConfigSchema>;

export type WarmStart = CampaignConfig['exploration']['warmStart'];
/** What campaigns do that were started before there was a warm start: settings are drawn anew in every round. */
export const COLD_START: WarmStart = { earlierRounds: false, campaigns: [], maxTrials: 1 };
