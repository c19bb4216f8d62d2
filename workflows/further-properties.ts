import type { FeatureSet } from '../activities/featurization';
import type {
  ArtifactRef,
  CampaignConfig,
  Cut,
  EvaluationRecord,
  LabelSplit,
  ModelFamily,
  PropertyCut,
  PropertyRecord,
  PropertySummary,
  RuntimePin,
  TrialSpec,
} from '../src/contracts';
import { enoughLabels } from '../src/campaign';
import { featurizers, gpu } from './activities';

/** What the round learnt of a further property; no model while there are too few labels. */
export interface LearntProperty {
  readonly property: string;
  readonly model: {
    readonly family: ModelFamily;
    readonly weights: ArtifactRef;
    readonly evaluation: EvaluationRecord;
  } | null;
}

interface FurtherTraining {
  readonly cut: Cut;
  readonly config: Pick<CampaignConfig, 'training' | 'exploration'>;
  /** What exploration chose for the first property. */
  readonly choice: TrialSpec;
  readonly features: FeatureSet;
  readonly seed: number;
  readonly runtime: RuntimePin;
  readonly time: (stage: string, outcome: { seconds: number; cached: boolean }) => void;
}

/** A model of each further property with enough labels, by the settings and features that the first one's exploration chose. */
export async function trainFurther(request: FurtherTraining): Promise<readonly LearntProperty[]> {
  return Promise.all(
    (request.cut.others ?? []).map(async (known): Promise<LearntProperty> => {
      const { property } = known;
      return { property, model: enoughLabels(known) ? await train(request, known) : null };
    }),
  );
}

async function train(
  { cut, config, choice, features, seed, runtime, time }: FurtherTraining,
  known: PropertyCut,
): Promise<LearntProperty['model']> {
  const { property, labels } = known;
  const { training } = config;
  const request = {
    ...{ choice, cut: cutOf(cut, known), features, training, seed, runtime },
    split: await splitOf(config, known),
  };
  const [evaluated, trained] = await Promise.all([
    gpu.evaluateModel.executeWithOptions(
      { summary: `${property}: evaluate on ${training.folds} held-out folds` },
      [request],
    ),
    gpu.trainModel.executeWithOptions({ summary: `${property}: train on all ${labels} labels` }, [request]),
  ]);
  time('train', {
    seconds: evaluated.seconds + trained.seconds,
    cached: evaluated.cached && trained.cached,
  });
  const { settings, weights } = trained.value;
  return { family: settings.family, weights, evaluation: evaluated.value };
}

/** The cut as the steps of training read it, of a further property. */
function cutOf({ others: _, front: __, ...cut }: Cut, known: PropertyCut): Cut {
  const { training, labels, measured, censored, failed, dates } = known;
  return { ...cut, training, labels, measured, censored, failed, dates, best: null };
}

/** What the evaluation holds out, where it is not rows at random. */
async function splitOf(
  { training, exploration }: FurtherTraining['config'],
  known: PropertyCut,
): Promise<LabelSplit | undefined> {
  const kind = training.split ?? exploration.split;
  if (kind === 'time') return { kind, keys: known.dates ?? null };
  if (kind !== 'scaffold') return undefined;
  return { kind, keys: (await featurizers.scaffoldLabels({ training: known.training })).value };
}

/** For the round's summary: nothing where the campaign has one property. */
export function summariesOf(cut: Cut, learnt: readonly LearntProperty[]): readonly PropertySummary[] {
  return (cut.others ?? []).map(({ property, labels, failed, censored }, i) => ({
    ...{ property, labels, failed, censored },
    metrics: learnt[i]?.model?.evaluation.metrics ?? null,
  }));
}

/** For the round's record. */
export const recordsOf = (cut: Cut, learnt: readonly LearntProperty[]): readonly PropertyRecord[] =>
  (cut.others ?? []).map(({ property }, i) => {
    const model = learnt[i]?.model;
    return { property, evaluation: model?.evaluation ?? null, weights: model?.weights ?? null };
  });
