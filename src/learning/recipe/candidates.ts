import {
  featurizerName,
  featurizerSchema,
  TitrateError,
  type BaseModelSettings,
  type FeaturizerSpec,
  type LearningTask,
  type ModelFamily,
  type TrialSpec,
} from '../../contracts';
import { canRead, FOREST_TREES, NOISE_RATIOS } from '../exploration';

type BaseFamily = BaseModelSettings['family'];
export type RecipeFamilies = 'auto' | ModelFamily;

const COUNTS = featurizerSchema.parse({
  kind: 'concatenation',
  parts: [{ kind: 'morgan-counts' }, { kind: 'atom-pair-counts' }],
});
const COUNTS_AND_DESCRIPTORS = featurizerSchema.parse({
  kind: 'concatenation',
  parts: [{ kind: 'morgan-counts' }, { kind: 'atom-pair-counts' }, { kind: 'descriptors' }],
});
const MORGAN_COUNTS = featurizerSchema.parse({ kind: 'morgan-counts', radius: 2 });
const DESCRIPTORS = featurizerSchema.parse({ kind: 'descriptors' });
const GRAPH_AND_DESCRIPTORS = featurizerSchema.parse({
  kind: 'concatenation',
  parts: [{ kind: 'graph' }, { kind: 'descriptors' }],
});

/** What each family is tried on; docs/models.md has the evidence. The first is the family's default. */
const FEATURIZERS: Readonly<Record<BaseFamily, readonly FeaturizerSpec[]>> = {
  'gaussian-process': [COUNTS_AND_DESCRIPTORS, COUNTS],
  'mlp-ensemble': [COUNTS_AND_DESCRIPTORS, DESCRIPTORS],
  'message-passing-ensemble': [GRAPH_AND_DESCRIPTORS],
  'random-forest': [COUNTS_AND_DESCRIPTORS, MORGAN_COUNTS],
};

/**
 * Labels from which on a family is tried by `auto`. On small data an exact Gaussian process on counts beats networks at a
 * hundredth of the cost; networks earn their place with more labels, and a forest with rare actives (docs/models.md).
 */
const FROM_LABELS: Readonly<Record<BaseFamily, number>> = {
  'gaussian-process': 2,
  'mlp-ensemble': 400,
  'message-passing-ensemble': 1000,
  'random-forest': 50,
};

/** Networks of an ensemble at full length. */
const MEMBERS = 5;

export interface CandidateRequest {
  readonly families: RecipeFamilies;
  readonly task: LearningTask;
  /** Labels there are. */
  readonly labels: number;
}

/** Families that are tried. A family named is tried whatever the number of labels; `stack` combines what `auto` would try. */
export function familiesFor({ families, labels }: CandidateRequest): BaseFamily[] {
  if (families !== 'auto' && families !== 'stack') return [families];
  return (Object.keys(FROM_LABELS) as BaseFamily[]).filter((family) => labels >= FROM_LABELS[family]);
}

/** Features to compute for a recipe, each once. */
export function featurizersFor(request: CandidateRequest): FeaturizerSpec[] {
  const all = familiesFor(request).flatMap((family) => FEATURIZERS[family]);
  return [...new Map(all.map((spec) => [featurizerName(spec), spec])).values()];
}

/**
 * What a recipe tries: each family on each of its featurizers that there are features of, or on all of the features where none is
 * one of its own.
 * @throws config-invalid without features
 */
export function candidatesFor(
  request: CandidateRequest,
  featurizers: readonly FeaturizerSpec[],
): TrialSpec[] {
  if (featurizers.length === 0) {
    throw new TitrateError('config-invalid', { what: 'there are no features to train on', where: 'sets' });
  }
  const given = new Map(featurizers.map((spec) => [featurizerName(spec), spec]));
  return familiesFor(request).flatMap((family) => {
    const own = FEATURIZERS[family].filter((spec) => given.has(featurizerName(spec)));
    return (own.length ? own : featurizers.filter((spec) => canRead(family, spec))).map((featurizer, i) => ({
      trialId: `${SHORT[family]}-${i + 1}`,
      settings: settingsOf(family, request),
      featurizer,
    }));
  });
}

const SHORT: Readonly<Record<BaseFamily, string>> = {
  'gaussian-process': 'gp',
  'mlp-ensemble': 'mlp',
  'message-passing-ensemble': 'dmpnn',
  'random-forest': 'forest',
};

function settingsOf(family: BaseFamily, { task, labels }: CandidateRequest): BaseModelSettings {
  const batchSize = labels < 400 ? 16 : labels < 1600 ? 32 : labels < 6400 ? 64 : 128;
  // As many passes as make some ten thousand steps of a batch, within what small and large sets stand.
  const epochs = labels < 2000 ? 50 : labels < 10_000 ? 30 : 10;
  switch (family) {
    case 'gaussian-process':
      return { family, noiseRatios: NOISE_RATIOS };
    case 'mlp-ensemble':
      return {
        family,
        members: MEMBERS,
        hidden: [256, 128],
        dropout: 0.1,
        learningRate: 1e-3,
        weightDecay: 1e-4,
        batchSize,
        epochs,
      };
    case 'message-passing-ensemble':
      return {
        family,
        members: MEMBERS,
        messageSize: 300,
        depth: 3,
        hidden: [300],
        dropout: 0,
        learningRate: 1e-3,
        weightDecay: 1e-6,
        batchSize: 64,
        epochs,
      };
    case 'random-forest':
      // A tenth is better than a thirtieth by 3 % on lipophilicity too, at more than twice the cost.
      return { family, trees: FOREST_TREES, maxFeatures: task === 'classification' ? 0.1 : 0.03, minLeaf: 1 };
  }
}
