import { executeChild, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import type { AcquiredBatch } from '../activities/gpu';
import type { PublishedBatch } from '../activities/warehouse';
import {
  WORKFLOWS,
  featurizerName,
  type CampaignConfig,
  type Cut,
  type LabelSplit,
  type ModelVersion,
  type RoundSummary,
  type RulesReport,
  type RuntimePin,
  type StageTiming,
  type Stop,
} from '../src/contracts';
import { enoughLabels, roundSeed, SEED_PURPOSES } from '../src/campaign';
import { deploy, featurizers, gpu, warehouse } from './activities';
import { announce, child, type Learnt, type LearningCycleInput, type Round } from './cycle-stages';
import type { exploration } from './exploration';
import type { featurization } from './featurization';
import { recordsOf, summariesOf, trainFurther } from './further-properties';
import { chooseBatch } from './next-batch';
import type { rollout } from './rollout';
import { surfaced } from './support';
import { track } from './tracking';
import type { training as trainingWorkflow } from './training';

export interface LearningCycleOutput {
  readonly summary: RoundSummary;
  readonly model: ModelVersion | null;
  readonly batch: PublishedBatch | null;
  /** Of a campaign with constraints: how the batch stands to them, and why there is none. */
  readonly rules?: RulesReport;
  readonly nothing?: AcquiredBatch['nothing'];
  /** Why the campaign ends here: what the model expects of the molecules left. Then the batch is not handed out. */
  readonly stop?: Stop;
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
  const chosen = input.batchSize > 0 ? await chooseBatch(context, learnt) : null;
  const batch = chosen?.batch ?? null;

  const summary = summarise(context, learnt, batch, chosen?.acquired ?? null);
  const model = learnt?.trained.version ?? null;
  if (input.answering !== undefined)
    return { summary: { ...summary, record: null }, model, batch: null, rolloutStarted, runtime };
  const record = await deploy.recordRound.executeWithOptions({ summary: `record round ${round}` }, [
    {
      campaignId,
      record: {
        summary,
        cut,
        exploration: learnt?.explored.record ?? null,
        evaluation: learnt?.trained.evaluation ?? null,
        model: learnt?.trained.version ?? null,
        ...(cut.others && { others: recordsOf(cut, learnt?.others ?? []) }),
        sheet: batch?.sheet ?? null,
        timings,
      },
    },
  ]);
  await track(campaignId);
  return {
    summary: { ...summary, record },
    model,
    batch,
    ...(chosen?.stop && { stop: chosen.stop }),
    ...(chosen?.acquired.rules && { rules: chosen.acquired.rules }),
    ...(chosen?.acquired.nothing && { nothing: chosen.acquired.nothing }),
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
  const seed = roundSeed(config.seed, round, SEED_PURPOSES.train);
  const training = executeChild<typeof trainingWorkflow>(WORKFLOWS.training, {
    ...child('training', `round ${round}: ${choice.settings.family}`),
    args: [
      {
        campaignId,
        round,
        ...(input.answering !== undefined && { answering: input.answering }),
        objective: config.objective,
        training: config.training,
        split: splits.training,
        choice,
        cut,
        features: chosenFeatures,
        seed,
        runtime,
      },
    ],
  });
  const further = { cut, config, choice, features: chosenFeatures, seed, runtime, time };
  const [trained, others] = await Promise.all([training, cut.others ? trainFurther(further) : []]);
  time('train', trained);
  return { explored, trained, features: chosenFeatures, others };
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

function summarise(
  { input, cut, runtime }: Round,
  learnt: Learnt | null,
  batch: PublishedBatch | null,
  acquired: AcquiredBatch | null,
): Omit<RoundSummary, 'record'> {
  const { decision, prospects } = acquired ?? {};
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
    ...(decision && { chosenBy: { strategy: decision.name, why: decision.why } }),
    ...(prospects && { prospects }),
    ...(cut.others && { others: summariesOf(cut, learnt?.others ?? []), front: cut.front ?? null }),
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
        ...(input.answering !== undefined && { answering: input.answering }),
      },
    ],
  });
}
