import { TitrateError, type FeaturizerSpec, type ModelFamily, type TrialSpec } from '../../contracts';
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
  /** Log-uniform. */
  learningRate: [1e-3, 3e-3],
  /** Log-uniform. */
  weightDecay: [1e-5, 1e-2],
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
 * ensembles on each featurizer in turn with settings drawn at random, the first one a plain default. A family gets
 * trialsPerFamily trials, or one a featurizer if that is more, so that none goes untried. The same proposal gives the same trials.
 * @throws config-invalid if there is no family or no featurizer.
 */
export function proposeTrials(proposal: TrialProposal): TrialSpec[] {
  const { families, featurizers, trialsPerFamily } = proposal;
  if (families.length === 0 || featurizers.length === 0) {
    throw new TitrateError('config-invalid', {
      what: `there are ${families.length} model families and ${featurizers.length} featurizers to explore, expected at least one of each`,
      where: families.length === 0 ? 'exploration.families' : 'featurizers',
    });
  }
  const count = Math.max(trialsPerFamily, featurizers.length);
  return [...new Set(families)].flatMap((family) =>
    family === 'gaussian-process' ? gpTrials(featurizers, count) : ensembleTrials(proposal, count),
  );
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

function ensembleTrials({ featurizers, labels, ensemble, seed }: TrialProposal, count: number): TrialSpec[] {
  // About a dozen steps an epoch or more, without batches so small that their gradients are mostly noise.
  const batchSize = labels < 400 ? 16 : labels < 1600 ? 32 : labels < 6400 ? 64 : 128;
  return Array.from({ length: count }, (_, i) => {
    const random = createRandom(deriveSeed(seed, 'mlp-trial', i));
    const pick = <T>(from: readonly T[]) => from[random.below(from.length)]!;
    const logUniform = ([low, high]: readonly [number, number]) =>
      Number((low * (high / low) ** random.next()).toPrecision(3));
    const drawn =
      i === 0
        ? { hidden: [128], dropout: 0.1, learningRate: 1e-3, weightDecay: 1e-4 }
        : {
            hidden: [...pick(RANGES.hidden)],
            dropout: pick(RANGES.dropout),
            learningRate: logUniform(RANGES.learningRate),
            weightDecay: logUniform(RANGES.weightDecay),
          };
    return {
      trialId: `mlp-${i + 1}`,
      settings: {
        family: 'mlp-ensemble',
        members: ensemble.members,
        ...drawn,
        batchSize,
        epochs: ensemble.epochs,
      },
      featurizer: featurizers[i % featurizers.length]!,
    };
  });
}
