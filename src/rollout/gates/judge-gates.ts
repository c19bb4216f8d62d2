import type { GateVerdict, HeldOutPrediction, ModelCard } from '../../contracts';
import type { SpellingInvariance } from '../../serving/spelling';
import { calibrationGate, labelsGate, pairedQualityGate, pairHeldOut, type PairedHeldOut } from './held-out';
import { skewGate, type Skew } from './skew';
import { capital, figure, percent, unitOf } from './words';

export interface GateLimits {
  /** Held-out RMSE at most this times that of the live model. */
  readonly maxRmseRatio: number;
  /** Calibrated coverage of the 90 % interval at least this, 0..1. */
  readonly minCoverage90: number;
  /** Largest difference between two writings of a molecule, as a share of the candidate's held-out RMSE. Default 0.001. */
  readonly maxSpellingShare?: number;
}

export interface GateRequest {
  readonly candidate: ModelCard;
  /** The model that serves now; null when none does. */
  readonly live: ModelCard | null;
  /** Null when it could not be measured, which the gate does not let pass. */
  readonly invariance:
    | (Pick<SpellingInvariance, 'molecules' | 'maxDifference'> &
        Partial<Pick<SpellingInvariance, 'worst' | 'failures'>>)
    | null;
  readonly limits: GateLimits;
  /** Held-out predictions of the candidate and of the live model, where their cards name some. */
  readonly heldOut?: {
    readonly candidate: readonly HeldOutPrediction[] | null;
    readonly live: readonly HeldOutPrediction[] | null;
  };
  /** Left out: not asked. Null: the card names no stored features. */
  readonly skew?: Skew | null;
}

/** A thousandth of the model's own error matters to no decision, and is far above float32 noise. */
const DEFAULT_SPELLING_SHARE = 1e-3;

/**
 * Judges a candidate before it may serve: metrics finite, held-out quality not worse than the live model's, calibrated coverage,
 * predictions the same however SMILES are written. All gates are judged, also after one has failed.
 * @returns verdicts in the order finite, labels, quality, coverage, calibration, spelling, skew; each explains itself in a sentence with numbers
 */
export function judgeGates(request: GateRequest): GateVerdict[] {
  const { candidate, live, invariance, limits, heldOut, skew } = request;
  const share = limits.maxSpellingShare ?? DEFAULT_SPELLING_SHARE;
  const pairs = heldOut?.candidate && heldOut.live ? pairHeldOut(heldOut.candidate, heldOut.live) : null;
  const labels = pairs && live && comparable(candidate, live) ? labelsGate(candidate, pairs) : null;
  return [
    finiteGate(candidate),
    ...(labels ? [labels] : []),
    qualityGate(candidate, live, limits.maxRmseRatio, pairs),
    coverageGate(candidate, limits.minCoverage90),
    ...(heldOut?.candidate?.length ? [calibrationGate(candidate, heldOut.candidate)] : []),
    spellingGate(candidate, invariance, share),
    ...(skew === undefined ? [] : [skewGate(candidate, skew, share)]),
  ];
}

function finiteGate({ metrics, calibration }: ModelCard): GateVerdict {
  const figures: Record<string, number> = {
    RMSE: metrics.rmse,
    MAE: metrics.mae,
    R2: metrics.r2,
    Spearman: metrics.spearman,
    NLL: metrics.nll,
    'coverage of the 90 % interval': metrics.coverage90,
    'calibration scale': calibration.scale,
  };
  // JSON has no NaN: a figure that was one arrives as null.
  const bad = Object.keys(figures).filter((name) => !Number.isFinite(figures[name]));
  const evidence = bad.length
    ? `Not a finite number: ${bad.join(', ')} (of ${metrics.n} held-out molecules).`
    : `All ${Object.keys(figures).length} held-out figures are finite numbers, on ${metrics.n} molecules.`;
  return { gate: 'finite', passed: bad.length === 0, evidence };
}

const comparable = (one: ModelCard, other: ModelCard) =>
  one.property === other.property && (one.unit ?? '') === (other.unit ?? '');

function qualityGate(
  candidate: ModelCard,
  live: ModelCard | null,
  maxRatio: number,
  pairs: PairedHeldOut | null,
): GateVerdict {
  const verdict = (passed: boolean, evidence: string): GateVerdict => ({ gate: 'quality', passed, evidence });
  const unit = unitOf(candidate);
  const own = `held-out RMSE ${figure(candidate.metrics.rmse)}${unit} on ${candidate.metrics.n} molecules`;
  if (!Number.isFinite(candidate.metrics.rmse))
    return verdict(false, 'The held-out RMSE is not a finite number.');
  if (!live) return verdict(true, `No model is live to compare with; ${own}.`);
  if (!comparable(live, candidate)) {
    return verdict(
      false,
      `The live model predicts ${live.property}${unitOf(live)} and the candidate ${candidate.property}${unit}: they cannot be compared.`,
    );
  }
  const theirs = `the live model's ${figure(live.metrics.rmse)}${unit} (round ${live.round}, ${live.metrics.n} molecules)`;
  const paired = pairs && pairedQualityGate(candidate, pairs, maxRatio);
  if (paired) return paired;
  if (!Number.isFinite(live.metrics.rmse))
    return verdict(true, `The live model has no finite RMSE to compare with; ${own}.`);
  const allowed = maxRatio * live.metrics.rmse;
  const passed = candidate.metrics.rmse <= allowed;
  return verdict(
    passed,
    `${capital(own)} is ${passed ? 'within' : 'above'} ${maxRatio} times ${theirs}, which allows ${figure(allowed)}${unit}.`,
  );
}

/** Judged on the cross-fitted coverage: a scale that is judged on the residuals it was fitted to always looks well. */
function coverageGate({ calibration, metrics }: ModelCard, minimum: number): GateVerdict {
  const coverage = metrics.coverage90;
  const passed = Number.isFinite(coverage) && coverage >= minimum;
  const seen = Number.isFinite(coverage) ? percent(coverage) : 'an unknown share';
  return {
    gate: 'coverage',
    passed,
    evidence:
      `The calibrated 90 % interval holds ${seen} of ${metrics.n} held-out values (${percent(calibration.coverage90Before)} before ` +
      `calibration, scale ${figure(calibration.scale)}); at least ${percent(minimum)} is asked.`,
  };
}

function spellingGate(
  candidate: ModelCard,
  invariance: GateRequest['invariance'],
  share: number,
): GateVerdict {
  const verdict = (passed: boolean, evidence: string): GateVerdict => ({
    gate: 'spelling',
    passed,
    evidence,
  });
  if (!invariance || invariance.molecules === 0) {
    const why = invariance?.failures?.[0];
    return verdict(
      false,
      `No molecule could be predicted in two writings${why ? ` (${why})` : ''}, so invariance is unproven.`,
    );
  }
  const unit = unitOf(candidate);
  const allowed = share * candidate.metrics.rmse;
  const failures = invariance.failures ?? [];
  const passed = failures.length === 0 && invariance.maxDifference <= allowed;
  const worst =
    !passed && invariance.worst ? `, for ${invariance.worst.smiles} and ${invariance.worst.alternative}` : '';
  const failed = failures.length
    ? `; ${failures.length} could not be predicted in both writings (${failures[0]})`
    : '';
  return verdict(
    passed,
    `Two writings of one molecule differ by ${figure(invariance.maxDifference)}${unit} at most over ${invariance.molecules} molecules${worst}` +
      `; ${figure(allowed)}${unit} is allowed${failed}.`,
  );
}
