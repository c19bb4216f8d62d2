import type { CampaignConfig, FeaturizerSpec, ModelFamily, ModelSettings } from '../contracts';
import { count, number } from './format';

/** Specs in the words a chemist would use. */

const FAMILIES: Record<ModelFamily, string> = {
  'gaussian-process': 'Gaussian process',
  'mlp-ensemble': 'MLP ensemble',
  'message-passing-ensemble': 'message-passing ensemble',
  'random-forest': 'random forest',
  stack: 'stack of models',
};
export const describeFamily = (family: ModelFamily): string => FAMILIES[family];

const STRATEGIES: Record<string, string> = {
  auto: 'what the evidence of each round speaks for',
  required: "the campaign's rules",
  random: 'random',
  greedy: 'greedy',
  ucb: 'upper confidence bound',
  ei: 'expected improvement',
  'log-ei': 'expected improvement (its logarithm)',
  pi: 'probability of improvement',
  thompson: 'Thompson sampling',
  uncertainty: 'uncertainty',
  bald: 'information about the model (BALD)',
  nipv: 'integrated variance reduction',
  'max-determinant': 'determinant of the covariance',
  'core-set': 'core-set',
  maxmin: 'MaxMin',
  ehvi: 'expected hypervolume improvement',
};
/** The name of an acquisition function in full; an unknown one as it stands. */
export const describeStrategy = (strategy: string): string => STRATEGIES[strategy] ?? strategy;

export function describeFeaturizer(spec: FeaturizerSpec): string {
  const counted = (counts: 'none' | 'simulated') => (counts === 'simulated' ? ', counts' : '');
  switch (spec.kind) {
    case 'morgan':
      return `Morgan radius ${spec.radius} (${count(spec.bits)} bits${counted(spec.counts)})`;
    case 'rdkit':
      return `RDKit paths ${spec.minPath}–${spec.maxPath} (${count(spec.bits)} bits${counted(spec.counts)})`;
    case 'atom-pair':
      return `atom pairs (${count(spec.bits)} bits${counted(spec.counts)})`;
    case 'topological-torsion':
      return `torsions (${count(spec.bits)} bits${counted(spec.counts)})`;
    case 'morgan-counts':
      return `Morgan radius ${spec.radius} counts`;
    case 'atom-pair-counts':
      return 'atom-pair counts';
    case 'graph':
      return 'molecular graph';
    case 'maccs':
      return 'MACCS keys';
    case 'descriptors':
      return 'descriptors';
    case 'concatenation':
      return spec.parts.map(describeFeaturizer).join(' + ');
    case 'bundle':
      return spec.parts.map(describeFeaturizer).join('; ');
  }
}

export function describeSettings(settings: ModelSettings): string {
  if (settings.family === 'gaussian-process') {
    return `Tanimoto kernel; noise ratios from ${settings.noiseRatios.map((ratio) => number(ratio)).join(', ')}`;
  }
  if (settings.family === 'stack') {
    const models = settings.models.map((model) => describeSettings(model.settings));
    return `weighted by ${settings.folds}-fold predictions: ${models.join('; ')}`;
  }
  if (settings.family === 'random-forest') {
    const { trees, maxFeatures, maxDescriptors, minLeaf } = settings;
    const tried = (share: number | 'sqrt') => (share === 'sqrt' ? '√ of' : `${number(100 * share)} % of`);
    const descriptors = maxDescriptors === undefined ? '' : `, ${tried(maxDescriptors)} the descriptors`;
    return `${trees} trees, ${tried(maxFeatures)} the features a node${descriptors}, leaves from ${minLeaf}`;
  }
  const { members, hidden, dropout, learningRate, weightDecay, batchSize, epochs } = settings;
  const layers =
    settings.family === 'message-passing-ensemble'
      ? `${settings.depth} steps of ${settings.messageSize}, then [${hidden.join(', ')}]`
      : `[${hidden.join(', ')}]`;
  return `${members} × ${layers}, dropout ${number(dropout)}, learning rate ${number(learningRate)}, weight decay ${number(weightDecay)}, batch ${batchSize}, ${epochs} epochs`;
}

const STOP_REASONS: Record<string, string> = {
  budget: 'its budget was spent',
  target: 'the target was reached',
  plateau: 'a plateau was reached',
  'gain-below-cost': 'what the next batch could gain was not worth its cost',
  'pool-exhausted': 'the pool was exhausted',
  stopped: 'it was stopped by hand',
};
/** Completes "Finished: …". */
export const describeStop = (reason: string): string => STOP_REASONS[reason] ?? reason;

/** `logS (log mol/l)` */
export const describeProperty = ({
  property,
  unit,
}: Pick<CampaignConfig['objective'], 'property' | 'unit'>): string =>
  unit ? `${property} (${unit})` : property;

/** ` log mol/l`, or nothing where the campaign has no unit. */
export const unitSuffix = (unit: string | undefined): string => (unit ? ` ${unit}` : '');
