import {
  featurizerName,
  TitrateError,
  type FeaturizerSpec,
  type ModelFamily,
  type TrialSpec,
} from '../../contracts';
import { createRandom, deriveSeed } from '../../foundation';

/** Noise variance over signal variance that a GP's search starts from: from nearly exact assays to mostly noise. */
export const NOISE_RATIOS: readonly number[] = [0.001, 0.01, 0.1, 1];

/**
 * Grids of the GP trials, in order. The first spans everything; the others hold the search to one regime, as a hedge
 * against a marginal likelihood that a misfitting kernel leads astray (the search reaches a decade beyond a grid's ends).
 */
const NOISE_GRIDS: readonly (readonly number[])[] = [NOISE_RATIOS, [0.1], [0.001], [1]];

/** Ranges the ensembles' settings are drawn from: those in which small networks on fingerprints train without trouble. */
const RANGES = {
  hidden: [[64], [128], [256], [128, 64], [256, 128]],
  dropout: [0, 0.1, 0.2],
  /** Width of the messages, and steps, around what chemprop takes by default (Yang et al. 2019). */
  messageSize: [150, 300],
  depth: [2, 3, 4],
  /** Log-uniform. */
  learningRate: [1e-3, 3e-3],
  /** Log-uniform. */
  weightDecay: [1e-5, 1e-2],
} as const;

/** More trees change no choice: at 500 the mean of the trees has settled. */
export const FOREST_TREES = 500;

/** Ranges the forests' settings are drawn from. */
const FOREST_RANGES = {
  maxFeatures: ['sqrt', 0.03, 0.1, 0.3],
  minLeaf: [1, 2, 3],
} as const;

export interface TrialProposal {
  readonly families: readonly ModelFamily[];
  readonly featurizers: readonly FeaturizerSpec[];
  readonly trialsPerFamily: number;
  /** Labels a trial will see: sets the batch size. */
  readonly labels: number;
  readonly ensemble: { readonly members: number; readonly epochs: number };
  readonly seed: number;
}

/**
 * Trials of every family: GPs on each featurizer in turn, with one noise grid after another (at most four a featurizer);
 * ensembles on each featurizer that they can read in turn with settings drawn at random, the first one a plain default. A family gets
 * trialsPerFamily trials, or one a featurizer if that is more, so that none goes untried. The same proposal gives the same trials.
 * @throws config-invalid if there is no family, no featurizer, or none that a family can read.
 */
export function proposeTrials(proposal: TrialProposal): TrialSpec[] {
  const { families, featurizers, trialsPerFamily } = proposal;
  if (families.length === 0 || featurizers.length === 0) {
    throw new TitrateError('config-invalid', {
      what: `there are ${families.length} model families and ${featurizers.length} featurizers to explore, expected at least one of each`,
      where: families.length === 0 ? 'exploration.families' : 'featurizers',
    });
  }
  return [...new Set(families)].flatMap((family) => {
    const own = featurizers.filter((spec) => canRead(family, spec));
    if (own.length === 0) {
      throw new TitrateError('config-invalid', {
        what: `the family ${family} can read none of ${featurizers.map(featurizerName).join(', ')}`,
        where: 'exploration.families',
        remedy: REMEDIES[family],
      });
    }
    const count = Math.max(trialsPerFamily, own.length);
    if (family === 'gaussian-process') return gpTrials(own, count);
    if (family === 'random-forest') return forestTrials(own, count, proposal.seed);
    return Array.from({ length: count }, (_, i) => ({
      ...networkTrial(family, proposal, i),
      featurizer: own[i % own.length]!,
    }));
  });
}

const REMEDIES: Readonly<Record<ModelFamily, string>> = {
  'gaussian-process': 'Name a fingerprint, counts or descriptors among the featurizers',
  'mlp-ensemble': 'Name a fingerprint, counts or descriptors among the featurizers',
  'message-passing-ensemble': 'Name the featurizer graph',
  'random-forest': 'Name a fingerprint, counts or descriptors among the featurizers',
  stack: 'Name the families to explore; titrate train combines several',
};

const isGraph = ({ kind }: { kind: FeaturizerSpec['kind'] }): boolean => kind === 'graph';

/** Whether a family takes features of this kind: message passing takes graphs, the others everything else. */
export function canRead(family: ModelFamily, spec: FeaturizerSpec): boolean {
  if (spec.kind === 'bundle' || family === 'stack') return false;
  const hasGraph = isGraph(spec) || (spec.kind === 'concatenation' && spec.parts.some(isGraph));
  return hasGraph === (family === 'message-passing-ensemble');
}

function gpTrials(featurizers: readonly FeaturizerSpec[], count: number): TrialSpec[] {
  return NOISE_GRIDS.flatMap((noiseRatios) => featurizers.map((featurizer) => ({ noiseRatios, featurizer })))
    .slice(0, count)
    .map(({ noiseRatios, featurizer }, i) => ({
      trialId: `gp-${i + 1}`,
      settings: { family: 'gaussian-process', noiseRatios },
      featurizer,
    }));
}

/** Forests on each featurizer in turn: a plain default first, then settings drawn at random. */
function forestTrials(featurizers: readonly FeaturizerSpec[], count: number, seed: number): TrialSpec[] {
  return Array.from({ length: count }, (_, i) => {
    const random = createRandom(deriveSeed(seed, 'forest-trial', i));
    const pick = <T>(from: readonly T[]) => from[random.below(from.length)]!;
    const drawn = { maxFeatures: pick(FOREST_RANGES.maxFeatures), minLeaf: pick(FOREST_RANGES.minLeaf) };
    const plain = i < featurizers.length;
    return {
      trialId: `forest-${i + 1}`,
      settings: {
        family: 'random-forest',
        trees: FOREST_TREES,
        ...(plain ? { maxFeatures: 0.1, minLeaf: 1 } : drawn),
      },
      featurizer: featurizers[i % featurizers.length]!,
    };
  });
}

/** About a dozen steps an epoch or more, without batches so small that their gradients are mostly noise. */
export const batchSizeFor = (labels: number): number =>
  labels < 400 ? 16 : labels < 1600 ? 32 : labels < 6400 ? 64 : 128;

/** Settings of the i-th network trial: a plain default first, then drawn at random. */
function networkTrial(
  family: 'mlp-ensemble' | 'message-passing-ensemble' | 'stack',
  { labels, ensemble, seed }: TrialProposal,
  i: number,
): Omit<TrialSpec, 'featurizer'> {
  const batchSize = batchSizeFor(labels);
  const short = family === 'mlp-ensemble' ? 'mlp' : 'dmpnn';
  const random = createRandom(deriveSeed(seed, `${short}-trial`, i));
  const pick = <T>(from: readonly T[]) => from[random.below(from.length)]!;
  const logUniform = ([low, high]: readonly [number, number]) =>
    Number((low * (high / low) ** random.next()).toPrecision(3));
  const common = { members: ensemble.members, batchSize, epochs: ensemble.epochs };
  const plain = i === 0;
  const training = () => ({
    dropout: plain ? 0.1 : pick(RANGES.dropout),
    learningRate: plain ? 1e-3 : logUniform(RANGES.learningRate),
    weightDecay: plain ? 1e-4 : logUniform(RANGES.weightDecay),
  });
  if (family !== 'message-passing-ensemble') {
    const hidden = plain ? [128] : [...pick(RANGES.hidden)];
    return {
      trialId: `${short}-${i + 1}`,
      settings: { family: 'mlp-ensemble', hidden, ...training(), ...common },
    };
  }
  const shape = plain
    ? { messageSize: 300, depth: 3, hidden: [300] }
    : {
        messageSize: pick(RANGES.messageSize),
        depth: pick(RANGES.depth),
        hidden: [...pick(RANGES.hidden)],
      };
  return { trialId: `${short}-${i + 1}`, settings: { family, ...shape, ...training(), ...common } };
}
