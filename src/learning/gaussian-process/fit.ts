import type { FeatureMatrix, GaussianProcessSettings } from '../../contracts';
import type { LabelledSet } from '../learning';
import { evidenceRows, maximiseEvidence, restrict } from './censored-evidence';
import { initialSites, sweep, type CensoredProblem, type Sites } from './censoring';
import { learnClasses } from './classify';
import {
  buildFeatureSpace,
  encodeRows,
  selectEncodedRows,
  type EncodedRows,
  type FeatureSpace,
} from './feature-space';
import { EXACT_ROWS, inducingCount, thinned } from './inducing';
import { mixFacts, mixForRegression } from './kernel-mix';
import { maximiseLikelihood, profileLikelihood } from './marginal-likelihood';
import {
  prepareModel,
  type GaussianProcessDefinition,
  type Learnt,
  type PreparedModel,
  type TrainingRows,
} from './model';
import { fitSparse, inducingPosterior, sparseBasis } from './sparse-fit';
import { evenlySpread } from './spread';
import { buildReference, kernelMatrix, type KernelMix } from './tanimoto';

/** Rows whose exact likelihood gives a sparse model its noise and amplitude. */
const LIKELIHOOD_ROWS = 2000;
/** Sweeps over the sites of all rows once the hyperparameters stand. */
const FINAL_SWEEPS = 12;

/** Hyperparameters and sites, in standardised units. */
interface Chosen {
  readonly sites: Sites;
  readonly noiseRatio: number;
  readonly signalVariance: number;
  readonly mean: number;
  readonly logLikelihood: number;
}

/**
 * Chooses hyperparameters and, for censored rows, sites: without censored rows the maximum of the marginal likelihood,
 * with them that of its EP approximation (on at most EVIDENCE_ROWS rows), then the sites of all rows.
 * @throws numerical
 */
export function fitGaussianProcess(
  settings: GaussianProcessSettings,
  labelled: LabelledSet,
): GaussianProcessDefinition {
  return learn(settings, labelled).definition;
}

/** As `fitGaussianProcess`, with the model ready to predict. @throws numerical */
export function fitAndPrepare(settings: GaussianProcessSettings, labelled: LabelledSet): FittedOutput {
  const { definition, training } = learn(settings, labelled);
  const model = prepareModel(definition, training);
  if (model.jitter === 0) return { definition, model };
  return { definition: { ...definition, facts: { ...definition.facts, jitter: model.jitter } }, model };
}

/** One property, learnt. */
export interface FittedOutput {
  readonly definition: GaussianProcessDefinition;
  readonly model: PreparedModel;
}

function learn(settings: GaussianProcessSettings, labelled: LabelledSet): Learnt {
  if (labelled.task === 'classification') return learnClasses(settings, labelled);
  const { features, qualifiers, replicates } = labelled;
  const measured = Uint8Array.from(qualifiers, (qualifier) => (qualifier === '=' ? 1 : 0));
  const observations = measured.reduce((sum, flag) => sum + flag, 0);
  const { shift, scale } = standardisation(labelled.targets, measured);
  const values = labelled.targets.map((y) => (y - shift) / scale);
  const sparse = features.rows > (settings.exactRows ?? EXACT_ROWS);
  const space = sparse ? thinned(buildFeatureSpace(features)) : buildFeatureSpace(features);
  const encoded = encodeRows(space, features);
  const mix = mixForRegression(encoded, values, replicates, measured, settings.noiseRatios);
  const problem: Problem = { features, space, encoded, mix, values, qualifiers, replicates };
  const { logLikelihood, ...rest } = sparse
    ? learnSparse(problem, settings)
    : learnExactly(problem, measured, settings.noiseRatios);
  const { noiseRatio, signalVariance, mean } = rest.definition;
  const facts: Record<string, number | string> = {
    rows: features.rows,
    noiseRatio,
    signalDeviation: scale * Math.sqrt(signalVariance),
    noiseDeviation: scale * Math.sqrt(signalVariance * noiseRatio),
    mean: shift + scale * mean,
    // A density in the targets' unit: the standardised one over scale, for every measured row.
    logMarginalLikelihood: logLikelihood - observations * Math.log(scale),
    ...mixFacts(mix),
  };
  if (observations < features.rows) facts.censoredRows = features.rows - observations;
  if (rest.definition.inducing) facts.inducingMolecules = rest.definition.features.rows;
  return { training: rest.training, definition: { ...rest.definition, mix, shift, scale, facts } };
}

/** The rows in standardised units. */
interface Problem extends Omit<CensoredProblem, 'kernel'> {
  readonly features: FeatureMatrix;
  readonly space: FeatureSpace;
  readonly encoded: EncodedRows;
  readonly mix: KernelMix | undefined;
}
interface LearntProblem {
  readonly definition: Omit<GaussianProcessDefinition, 'mix' | 'shift' | 'scale' | 'facts'>;
  readonly training?: TrainingRows;
  readonly logLikelihood: number;
}

function learnExactly(problem: Problem, measured: Uint8Array, starts: readonly number[]): LearntProblem {
  const { features, space, encoded, mix } = problem;
  const reference = buildReference(encoded, mix);
  const kernel = kernelMatrix(reference);
  const chosen = measured.includes(0)
    ? chooseCensored({ ...problem, kernel }, starts)
    : chooseMeasured({ ...problem, kernel }, measured, starts);
  const { sites, noiseRatio, signalVariance, mean, logLikelihood } = chosen;
  return {
    definition: { features, ...sites, noiseRatio, signalVariance, mean },
    training: { space, reference, kernel },
    logLikelihood,
  };
}

/** Noise and amplitude from the exact likelihood of a part of the rows, then the sparse posterior of all. */
function learnSparse(problem: Problem, settings: GaussianProcessSettings): LearntProblem {
  const { features, space, encoded, mix } = problem;
  const parameters = parametersOfPart(problem, settings.noiseRatios);
  const count = inducingCount(features.rows, settings.inducing);
  const basis = sparseBasis(features, space, encoded, mix, count);
  const { posterior, logLikelihood } = fitSparse(basis, problem, parameters);
  const { mean } = posterior;
  return {
    definition: {
      features: basis.features,
      inducing: inducingPosterior(basis, posterior),
      targets: new Float64Array(0),
      weights: new Float64Array(0),
      ...parameters,
      mean,
    },
    logLikelihood,
  };
}

function parametersOfPart(
  { encoded, mix, values, qualifiers, replicates }: Problem,
  starts: readonly number[],
): { noiseRatio: number; signalVariance: number } {
  const censored = qualifiers.some((qualifier) => qualifier !== '=');
  const rows = censored
    ? evidenceRows({ values, qualifiers })
    : evenlySpread([...values.keys()], (row) => values[row]!, LIKELIHOOD_ROWS);
  const part: CensoredProblem = {
    kernel: kernelMatrix(buildReference(selectEncodedRows(encoded, rows), mix)),
    values: Float64Array.from(rows, (row) => values[row]!),
    qualifiers: rows.map((row) => qualifiers[row]!),
    replicates: Float64Array.from(rows, (row) => replicates[row]!),
  };
  const { noiseRatio, signalVariance } = censored
    ? maximiseEvidence(part, starts)
    : chooseMeasured(part, new Uint8Array(rows.length).fill(1), starts);
  return { noiseRatio, signalVariance };
}

function chooseMeasured(
  { kernel, values, replicates }: CensoredProblem,
  measured: Uint8Array,
  starts: readonly number[],
): Chosen {
  const profile = profileLikelihood(kernel, values, replicates, measured);
  return { sites: { targets: values, weights: replicates }, ...maximiseLikelihood(profile, starts) };
}

function chooseCensored(problem: CensoredProblem, starts: readonly number[]): Chosen {
  const parameters = maximiseEvidence(restrict(problem, evidenceRows(problem)), starts);
  const sites = initialSites(problem);
  for (let k = 0; k < FINAL_SWEEPS; k++) sweep(problem, sites, parameters);
  const settled: Sites = { targets: sites.targets.slice(), weights: sites.weights.slice() };
  // The mean belongs to the sites as they are before this last sweep moves them.
  const { mean, logEvidence } = sweep(problem, sites, parameters);
  return { sites: settled, ...parameters, mean, logLikelihood: logEvidence };
}

/** Mean and standard deviation (n) of the measured targets; scale 1 if they are all the same to rounding. */
function standardisation(targets: Float64Array, measured: Uint8Array): { shift: number; scale: number } {
  const values = targets.filter((_, i) => measured[i]);
  // A running mean: a plain sum of values near the largest float would overflow.
  let shift = 0;
  values.forEach((value, i) => (shift += value / (i + 1) - shift / (i + 1)));
  const largest = values.reduce((max, value) => Math.max(max, Math.abs(value - shift)), 0);
  if (!(largest > 1e-12 * Math.abs(shift))) return { shift, scale: 1 };
  let sum = 0;
  for (const value of values) sum += ((value - shift) / largest) ** 2;
  return { shift, scale: largest * Math.sqrt(sum / values.length) };
}
