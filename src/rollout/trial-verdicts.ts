import type { RolloutConfig, TrialVerdict, VersionFigures } from '../contracts';

export interface TrialEvidence {
  readonly candidate: VersionFigures;
  /** Null where nothing serves beside it. */
  readonly stable: VersionFigures | null;
  /** Of the live model, in the unit of the property; null where it is not known. */
  readonly heldOutRmse: number | null;
  readonly limits: RolloutConfig['trial'];
}

/** One-sided 99 % bound: a candidate that is as good as the live one is sent back once in a hundred checks by chance. */
const Z99 = 2.326;
/** A shift of the mean is read many times over a step, so by chance it must be rarer. */
const Z_SHIFT = 4;
/** One request that was lost, or two, may be anybody's bad luck; the stable model has answered it. */
const LEAST_ERRORS = 3;
/** Fewer requests, or pairs, say nothing about a slow tail or a mean. */
const LEAST_REQUESTS = 20;
const LEAST_PAIRS = 30;
/** From here on the slowest hundredth is more than one or two requests. */
const TAIL_REQUESTS = 200;

/**
 * Judges a candidate on trial by what it did, against what the stable version did in the same time. A verdict is `bad` only beyond
 * its limit and beyond chance.
 * @returns errors, latency, shift, and, where something was compared, agreement
 */
export function judgeTrial(evidence: TrialEvidence): TrialVerdict[] {
  const { candidate, stable, limits } = evidence;
  return [
    errors(candidate, stable, limits.maxErrorShare),
    latency(candidate, stable, limits),
    shift(candidate, stable, limits.maxShift),
    ...(candidate.agreement ? [agreement(candidate.agreement, evidence)] : []),
  ];
}

function errors(candidate: VersionFigures, stable: VersionFigures | null, allowed: number): TrialVerdict {
  const told = (verdict: TrialVerdict['verdict'], evidence: string): TrialVerdict => ({
    check: 'errors',
    verdict,
    evidence,
  });
  if (candidate.requests < 1) return told('not-enough-data', 'The candidate was asked 0 times.');
  const limit = allowed + (stable?.requests ? stable.errors / stable.requests : 0);
  const least = wilsonLower(candidate.errors, candidate.requests);
  const said = `${count(candidate.errors)} of ${count(candidate.requests)} requests to the candidate failed; ${percent(limit)} is allowed`;
  if (candidate.errors >= LEAST_ERRORS && least > limit)
    return told('bad', `${said}, and it is at least ${percent(least)} beyond chance.`);
  return told(candidate.requests < LEAST_REQUESTS ? 'not-enough-data' : 'ok', `${said}.`);
}

function latency(
  candidate: VersionFigures,
  stable: VersionFigures | null,
  limits: RolloutConfig['trial'],
): TrialVerdict {
  const told = (verdict: TrialVerdict['verdict'], evidence: string): TrialVerdict => ({
    check: 'latency',
    verdict,
    evidence,
  });
  const seen = candidate.latencySeconds;
  if (!seen || candidate.requests < LEAST_REQUESTS)
    return told('not-enough-data', `The candidate was asked ${count(candidate.requests)} times.`);
  const live = stable?.latencySeconds;
  if (!live || stable!.requests < LEAST_REQUESTS)
    return told(
      'not-enough-data',
      `p99 is ${milliseconds(seen.p99)}, and the live model was asked too rarely to compare.`,
    );
  const limit = Math.max(
    limits.maxLatencyRatio * live.p99,
    live.p99 + limits.latencyAllowanceMilliseconds / 1000,
  );
  // With few requests one that met a cold cache is the whole tail: then the middle must be slow as well.
  const slowMiddle =
    candidate.requests < TAIL_REQUESTS ? seen.p50 > limits.maxLatencyRatio * live.p50 : seen.p50 > live.p50;
  const bad = seen.p99 > limit && slowMiddle;
  const said = `p99 is ${milliseconds(seen.p99)} beside the live model's ${milliseconds(live.p99)}; ${milliseconds(limit)} is allowed`;
  return told(bad ? 'bad' : 'ok', `${said}, over ${count(candidate.requests)} requests.`);
}

function shift(candidate: VersionFigures, stable: VersionFigures | null, maxShift: number): TrialVerdict {
  const told = (verdict: TrialVerdict['verdict'], evidence: string): TrialVerdict => ({
    check: 'shift',
    verdict,
    evidence,
  });
  const asked = candidate.molecules + candidate.rejected;
  if (
    asked > 0 &&
    candidate.molecules === 0 &&
    candidate.requests >= LEAST_REQUESTS &&
    (stable?.molecules ?? 0) > 0
  )
    return told('bad', `The candidate predicted none of ${count(asked)} molecules.`);
  if (!candidate.prediction || !stable?.prediction)
    return told(
      'not-enough-data',
      `${count(candidate.molecules)} molecules were predicted by the candidate.`,
    );
  const [own, live] = [candidate.prediction, stable.prediction];
  const difference = own.mean - live.mean;
  // Molecules of one request are alike, so requests are what is counted as independent.
  const deviation = (f: VersionFigures, sd: number) => sd ** 2 / Math.max(1, f.requests);
  const noise = Math.sqrt(
    deviation(candidate, own.standardDeviation) + deviation(stable, live.standardDeviation),
  );
  const spread = Math.max(live.standardDeviation, Number.EPSILON);
  const said =
    `Predictions of the candidate average ${figure(own.mean)} and those of the live model ${figure(live.mean)}: ` +
    `${figure(Math.abs(difference) / spread)} standard deviations apart; ${maxShift} is allowed`;
  if (Math.min(candidate.requests, stable.requests) < LEAST_REQUESTS)
    return told('not-enough-data', `${said}.`);
  const bad = Math.abs(difference) > maxShift * spread && Math.abs(difference) > Z_SHIFT * noise;
  return told(bad ? 'bad' : 'ok', `${said}.`);
}

function agreement(
  seen: NonNullable<VersionFigures['agreement']>,
  { heldOutRmse, limits }: TrialEvidence,
): TrialVerdict {
  const told = (verdict: TrialVerdict['verdict'], evidence: string): TrialVerdict => ({
    check: 'agreement',
    verdict,
    evidence,
  });
  const said = `On ${count(seen.pairs)} molecules that both predicted, they differ by ${figure(seen.rmsDifference)} (root mean square)`;
  if (heldOutRmse === null || !Number.isFinite(heldOutRmse))
    return told('not-enough-data', `${said}; the live model's own error is not known.`);
  const limit = limits.maxDisagreement * heldOutRmse;
  if (seen.pairs < LEAST_PAIRS) return told('not-enough-data', `${said}.`);
  return told(
    seen.rmsDifference > limit ? 'bad' : 'ok',
    `${said}; ${figure(limit)} is allowed, ${limits.maxDisagreement} times the live model's held-out error.`,
  );
}

/** Lower end of Wilson's score interval (1927, J. Am. Stat. Assoc. 22, 209). */
function wilsonLower(successes: number, n: number): number {
  const p = Math.min(1, successes / n);
  const z2 = Z99 * Z99;
  return (p + z2 / (2 * n) - Z99 * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
}

const figure = (value: number) => String(Number(value.toPrecision(3)));
// Prometheus extrapolates, so its counts are no whole numbers.
const count = (value: number) => String(Math.round(value));
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const milliseconds = (seconds: number) => `${figure(1000 * seconds)} ms`;
