import { executeChild } from '@temporalio/workflow';
import type { FeatureSet } from '../activities/featurization';
import type { AcquiredBatch, AcquireRequest } from '../activities/gpu';
import type { PublishedBatch } from '../activities/warehouse';
import {
  WORKFLOWS,
  batchId,
  featurizerName,
  type CampaignConfig,
  type Cut,
  type RegressionMetrics,
  type Stop,
} from '../src/contracts';
import { designFeaturizer, roundSeed, SEED_PURPOSES, stopByProspects } from '../src/campaign';
import { gpu, warehouse } from './activities';
import { ruleInputs } from './constraints';
import { announce, child, type Learnt, type LearningCycleInput, type Round } from './cycle-stages';
import type { featurization } from './featurization';
import type { LearntProperty } from './further-properties';
import { scorePool } from './scoring';

/** Chooses by the round's new surrogate, never by the deployed one, and seals the batch before anything is measured. */
export async function chooseBatch(
  { input, cut, runtime, time }: Round,
  learnt: Learnt | null,
): Promise<{ batch: PublishedBatch | null; acquired: AcquiredBatch; stop?: Stop }> {
  const { campaignId, round, config, dataVersion, batchSize } = input;
  const { objective } = config;
  // How the pool is shared out is no part of what a batch is chosen by.
  const { shardsPerTask, ...acquisition } = config.acquisition;
  const design = learnt ? null : await designFeatures(input, cut);
  const how = howChosen(acquisition, learnt !== null, design !== null);
  await announce('acquiring', `choosing ${batchSize} molecules by ${how}`);
  const inputs = await ruleInputs(config, input.shards);
  const request: AcquireRequest = {
    cut,
    dataVersion,
    pool: input.shards,
    objective,
    acquisition,
    batchSize,
    seed: roundSeed(config.seed, round, SEED_PURPOSES.acquire),
    model: learnt && {
      family: learnt.trained.card.family,
      weights: learnt.trained.card.weights,
      calibrationScale: learnt.trained.card.calibration.scale,
      features: learnt.features,
    },
    ...(learnt && cut.others && { others: learnt.others.map(acquiredBy) }),
    ...(inputs && { rules: { inputs, spent: input.spent ?? 0 } }),
    ...(design && { design }),
    evidence: {
      round,
      roundsLeft: input.roundsLeft ?? Math.max(0, config.budget.rounds - round),
      ...(learnt && { heldOut: skillOf(learnt.trained.card.metrics) }),
    },
    ...(input.prospects && { prospects: { margin: input.prospects.margin } }),
    runtime,
  };
  const scoring = await scorePool(request, { shardCount: input.shardCount, shardsPerTask });
  if (scoring) time('score', scoring);
  const acquired = await gpu.acquireBatch.executeWithOptions({ summary: `choose ${batchSize} by ${how}` }, [
    { ...request, ...(scoring && { scored: scoring.scored }) },
  ]);
  time('acquire', acquired);
  const { rules, decision, passedOver, prospects } = acquired.value;
  if (acquired.value.size === 0) return { batch: null, acquired: acquired.value };
  const stop = prospects && input.prospects ? stopByProspects(config, input.prospects, prospects) : null;
  if (stop) return { batch: null, acquired: acquired.value, stop };
  const batch = await warehouse.publishBatch.executeWithOptions(
    { summary: `seal ${acquired.value.size} picks` },
    [
      {
        campaignId,
        round,
        batchId: batchId(campaignId, round),
        picks: acquired.value.picks,
        objective,
        modelVersion: learnt?.trained.version.id ?? null,
        modelSha256: learnt?.trained.card.weights.sha256 ?? null,
        dataVersion,
        cutId: cut.cutId,
        rule: {
          ...acquisition,
          batchSize,
          seed: config.seed,
          candidates: acquired.value.candidates,
          ...(decision && { decision }),
          ...(rules && { rules }),
        },
        ...(passedOver && { passedOver }),
      },
    ],
  );
  return { batch, acquired: acquired.value };
}

/** Features that the batch is designed on; null where chance chooses. Later rounds find them computed. */
async function designFeatures({ config, shards }: LearningCycleInput, cut: Cut): Promise<FeatureSet | null> {
  // A campaign that was started before there were designs says nothing of them.
  if (config.acquisition.first !== 'designed' || config.acquisition.strategy === 'random') return null;
  const featurizer = designFeaturizer(config);
  await announce('featurizing', `computing ${featurizerName(featurizer)}`);
  const features = await executeChild<typeof featurization>(WORKFLOWS.featurization, {
    ...child('featurization', 'features of the pool'),
    args: [{ shards, extraShards: cut.extraShards, featurizers: [featurizer] }],
  });
  return features.sets[0]!;
}

function howChosen({ strategy }: CampaignConfig['acquisition'], learnt: boolean, designed: boolean): string {
  if (learnt) return strategy === 'auto' ? 'what the evidence speaks for' : strategy;
  return designed
    ? 'design, there being too few labels for a model'
    : 'chance, there being too few labels for a model';
}

/** A further property as a batch is chosen by it. */
const acquiredBy = ({ property, model }: LearntProperty) => ({
  property,
  model: model && {
    ...{ family: model.family, weights: model.weights },
    calibrationScale: model.evaluation.calibration.scale,
    heldOut: skillOf(model.evaluation.metrics),
  },
});

const skillOf = ({ rmse, spearman, coverage90 }: RegressionMetrics) => ({ rmse, spearman, coverage90 });
