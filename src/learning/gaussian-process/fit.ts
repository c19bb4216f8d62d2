import type { GaussianProcessSettings } from '../../contracts';
import type { LabelledSet } from '../learning';
import { evidenceRows, maximiseEvidence, restrict } from './censored-evidence';
import { initialSites, sweep, type CensoredProblem, type Sites } from './censoring';
import { buildFeatureSpace, encodeRows } from './feature-space';
import { maximiseLikelihood, profileLikelihood } from './marginal-likelihood';
import type { GaussianProcessDefinition } from './model';
import { buildReference, kernelMatrix } from './tanimoto';

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
  const { features, qualifiers, replicates } = labelled;
  const measured = Uint8Array.from(qualifiers, (qualifier) => (qualifier === '=' ? 1 : 0));
  const observations = measured.reduce((sum, flag) => sum + flag, 0);
  const censored = features.rows - observations;
  const { shift, scale } = standardisation(labelled.targets, measured);
  const values = labelled.targets.map((y) => (y - shift) / scale);
  const kernel = kernelMatrix(buildReference(encodeRows(buildFeatureSpace(features), features)));
  const problem: CensoredProblem = { kernel, values, qualifiers, replicates };
  const { sites, noiseRatio, signalVariance, mean, logLikelihood } =
    censored > 0
      ? chooseCensored(problem, settings.noiseRatios)
      : chooseMeasured(problem, measured, settings.noiseRatios);

  const facts: Record<string, number | string> = {
    rows: features.rows,
    noiseRatio,
    signalDeviation: scale * Math.sqrt(signalVariance),
    noiseDeviation: scale * Math.sqrt(signalVariance * noiseRatio),
    mean: shift + scale * mean,
    // A density in the targets' unit: the standardised one over scale, for every measured row.
    logMarginalLikelihood: logLikelihood - observations * Math.log(scale),
  };
  if (censored > 0) facts.censoredRows = censored;
  const { targets, weights } = sites;
  return { features, targets, weights, noiseRatio, signalVariance, mean, shift, scale, facts };
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
