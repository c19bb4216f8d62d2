import {
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { FeatureSet } from '../activities/featurization';
import type { PublishedBatch } from '../activities/warehouse';
import {
  WORKFLOWS,
  batchId,
  featurizerName,
  stageId,
  type ArtifactRef,
  type CampaignConfig,
  type CampaignStage,
  type Cut,
  type LabelSplit,
  type ModelVersion,
  type RoundSummary,
  type RuntimePin,
  type StageTiming,
} from '../src/contracts';
import { enoughLabels, roundSeed, SEED_PURPOSES } from '../src/campaign';
import { deploy, featurizers, gpu, warehouse } from './activities';
import type { ExplorationOutput, exploration } from './exploration';
import type { featurization } from './featurization';
import { stageEntered } from './messages';
import type { rollout } from './rollout';
import { surfaced } from './support';
import { track } from './tracking';
import type { training, TrainingOutput } from './training';

export interface LearningCycleInput {
  readonly campaignId: string;
  readonly round: number;
  readonly config: CampaignConfig;
  readonly dataVersion: string;
  /** JSON array of the pool's shards. */
  readonly shards: ArtifactRef;
  /** What this round knows; left out, the cycle fixes it itself. */
  readonly cut?: Cut;
  /** Picks wanted; 0 trains and evaluates without choosing a batch, which is how a campaign ends. */
  readonly batchSize: number;
  /** Wall seconds spent before the cycle (ingestion, in the first round). */
  readonly timings?: readonly StageTiming[];
}

export interface LearningCycleOutput {
  readonly summary: RoundSummary;
  readonly model: ModelVersion | null;
  readonly batch: PublishedBatch | null;
  readonly rolloutStarted: boolean;
  readonly runtime: RuntimePin;
}

/** One round's work on one cut: featurize → explore → train, evaluate, register → roll out beside → choose and seal the batch. */
export async function learningCycle(input: LearningCycleInput): Promise<LearningCycleOutput> {
  try {
    return await runCycle(input);
  } catch (error) {
    throw surfaced(error);
  }
}

/** What the round learnt: nothing while there are too few labels for a model. */
interface Learnt {
  readonly explored: ExplorationOutput;
  readonly trained: TrainingOutput;
  readonly features: FeatureSet;
}

interface Round {
  readonly input: LearningCycleInput;
  readonly cut: Cut;
  readonly runtime: RuntimePin;
  readonly time: (stage: string, outcome: { seconds: number; cached: boolean }) => void;
}

async function runCycle(input: LearningCycleInput): Promise<LearningCycleOutput> {
  const { campaignId, round, config, dataVersion } = input;
  const timings: StageTiming[] = [...(input.timings ?? [])];
  const cut = input.cut ?? (await warehouse.closeCut({ campaignId, round, dataVersion, config }));
  const runtime: RuntimePin = {
    ...(await featurizers.describeChemistry({ standardisation: config.pool.standardisation })),
    ...(await gpu.describeRuntime({ labels: cut.labels })),
  };
  const context: Round = {
    input,
    cut,
    runtime,
    time: (stage, { seconds, cached }) => timings.push({ stage, round, seconds, cached }),
  };

  const learnt = enoughLabels(cut) ? await learn(context) : null;
  const rolloutStarted = learnt !== null && config.rollout.enabled;
  if (rolloutStarted) await startRollout(input, learnt.trained.version);
  const batch = input.batchSize > 0 ? await chooseBatch(context, learnt) : null;

  const summary = summarise(context, learnt, batch);
  const record = await deploy.recordRound.executeWithOptions({ summary: `record round ${round}` }, [
    {
      campaignId,
      record: {
        summary,
        cut,
        exploration: learnt?.explored.record ?? null,
        evaluation: learnt?.trained.evaluation ?? null,
        model: learnt?.trained.version ?? null,
        sheet: batch?.sheet ?? null,
        timings,
      },
    },
  ]);
  await track(campaignId);
  return {
    summary: { ...summary, record },
    model: learnt?.trained.version ?? null,
    batch,
    rolloutStarted,
    runtime,
  };
}

async function learn({ input, cut, runtime, time }: Round): Promise<Learnt> {
  const { campaignId, round, config, shards } = input;
  await announce('featurizing', `computing ${config.featurizers.map(featurizerName).join(', ')}`);
  const features = await executeChild<typeof featurization>(WORKFLOWS.featurization, {
    ...child('featurization', `round ${round}: features`),
    args: [
      {
        shards,
        extraShards: cut.extraShards,
        featurizers: config.featurizers,
      },
    ],
  });
  time('featurize', features);

  const splits = await splitsOf(config, cut);
  await announce(
    'exploring',
    `exploring ${config.exploration.families.join(' and ')} on ${cut.labels} labels`,
  );
  const explored = await executeChild<typeof exploration>(WORKFLOWS.exploration, {
    ...child('exploration', `round ${round}: exploration`),
    args: [
      {
        cut,
        features: features.sets,
        exploration: config.exploration,
        training: config.training,
        split: splits.exploration,
        seed: roundSeed(config.seed, round, SEED_PURPOSES.explore),
        runtime,
      },
    ],
  });
  time('explore', explored);

  const choice = explored.record.chosen;
  const chosenFeatures = features.sets.find(
    (set) => featurizerName(set.featurizer) === featurizerName(choice.featurizer),
  )!;
  await announce('training', `training ${choice.settings.family} on all ${cut.labels} labels`);
  const trained = await executeChild<typeof training>(WORKFLOWS.training, {
    ...child('training', `round ${round}: ${choice.settings.family}`),
    args: [
      {
        campaignId,
        round,
        objective: config.objective,
        training: config.training,
        split: splits.training,
        choice,
        cut,
        features: chosenFeatures,
        seed: roundSeed(config.seed, round, SEED_PURPOSES.train),
        runtime,
      },
    ],
  });
  time('train', trained);
  return { explored, trained, features: chosenFeatures };
}

/** What trials and the evaluation hold out, where it is not rows at random. */
async function splitsOf(
  { exploration, training }: CampaignConfig,
  cut: Cut,
): Promise<{ exploration?: LabelSplit; training?: LabelSplit }> {
  // A campaign that was started before splits could be chosen has none.
  const wanted = [exploration.split, training.split ?? exploration.split] as const;
  const scaffolds = wanted.includes('scaffold')
    ? (await featurizers.scaffoldLabels({ training: cut.training })).value
    : null;
  const [explored, evaluated] = wanted.map((kind): LabelSplit | undefined => {
    if (kind === 'scaffold') return { kind, keys: scaffolds };
    return kind === 'time' ? { kind, keys: cut.dates ?? null } : undefined;
  });
  return { exploration: explored, training: evaluated };
}

/** Chooses by the round's new surrogate, never by the deployed one, and seals the batch before anything is measured. */
async function chooseBatch(
  { input, cut, runtime, time }: Round,
  learnt: Learnt | null,
): Promise<PublishedBatch | null> {
  const { campaignId, round, config, dataVersion, batchSize } = input;
  const { acquisition, objective } = config;
  const how = learnt ? acquisition.strategy : 'chance, there being too few labels for a model';
  await announce('acquiring', `choosing ${batchSize} molecules by ${how}`);
  const acquired = await gpu.acquireBatch.executeWithOptions({ summary: `choose ${batchSize} by ${how}` }, [
    {
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
      runtime,
    },
  ]);
  time('acquire', acquired);
  if (acquired.value.size === 0) return null;
  return warehouse.publishBatch.executeWithOptions({ summary: `seal ${acquired.value.size} picks` }, [
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
      rule: { ...acquisition, batchSize, seed: config.seed, candidates: acquired.value.candidates },
    },
  ]);
}

function summarise(
  { input, cut, runtime }: Round,
  learnt: Learnt | null,
  batch: PublishedBatch | null,
): Omit<RoundSummary, 'record'> {
  return {
    round: input.round,
    cutId: cut.cutId,
    labels: cut.labels,
    failed: cut.failed,
    abandoned: cut.abandoned,
    censored: cut.censored,
    best: cut.best?.value ?? null,
    family: learnt?.trained.card.family ?? null,
    featurizer: learnt ? featurizerName(learnt.features.featurizer) : null,
    backend: learnt ? runtime.backend : null,
    metrics: learnt?.trained.card.metrics ?? null,
    modelVersion: learnt?.trained.version.id ?? null,
    deployment: input.config.rollout.enabled
      ? null
      : { status: 'off', gates: [], message: 'rollout is switched off' },
    batchId: batch?.batchId ?? null,
    batchSize: batch?.size ?? 0,
    seal: batch?.seal ?? null,
  };
}

/** The rollout outlives the cycle: a slow canary or a failed gate never blocks the round. */
async function startRollout(input: LearningCycleInput, version: ModelVersion): Promise<void> {
  const { campaignId, round, config } = input;
  await startChild<typeof rollout>(WORKFLOWS.rollout, {
    ...child('rollout', `round ${round}: ${version.id}`),
    parentClosePolicy: ParentClosePolicy.ABANDON,
    args: [
      {
        campaignId,
        round,
        version,
        limits: config.rollout,
        notify: workflowInfo().parent?.workflowId ?? null,
      },
    ],
  });
}

const child = (stage: string, summary: string) => ({
  workflowId: stageId(workflowInfo().workflowId, stage),
  staticSummary: summary,
});

/** Tells the campaign, when there is one, which stage its round is in. */
async function announce(stage: CampaignStage, message: string): Promise<void> {
  const { parent } = workflowInfo();
  if (!parent) return;
  try {
    await getExternalWorkflowHandle(parent.workflowId).signal(stageEntered, { stage, message });
  } catch (error) {
    if (isCancellation(error)) throw error;
    // A parent that is gone needs no news.
  }
}
