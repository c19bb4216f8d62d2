import type { DriftFinding } from '../../contracts';
import { erfc, Z90 } from '../../foundation';
import { spearman } from '../../learning/metrics';
import { ACT_FROM, MINIMUM } from '../budget';
import { judge, notEnough, percent, short } from '../finding';
import type { DriftReference } from '../reference';
import { centred, groupsOf, residualsOfBoth } from '../residuals';
import type { DriftSample } from '../sample';
import { compare, locationPValue, sharePValue, spreadPValue } from '../statistics/two-sample';
import { median, robustDeviation, sortedFinite } from '../statistics/summaries';
import type { WindowsAgainstReference } from './windows';

type TruthDetector = 'bias' | 'noise' | 'coverage' | 'ranking' | 'hits';
/** Rank correlations of fewer pairs say next to nothing, and the normal approximation of them is not to be trusted. */
const LEAST_PAIRS = 30;

/** From which value on a molecule is a hit. */
export interface HitRule {
  readonly threshold: number;
  readonly direction: 'above' | 'below';
}

const tooFew = (name: TruthDetector, n: number, m: number, size: number, what: string): DriftFinding =>
  notEnough(
    ...([name, n, m, size] as const),
    `${what}: ${n} measured values against ${m} of the reference; at least ${MINIMUM.truth} and ${MINIMUM.referenceTruth} are needed.`,
  );

const enough = (n: number, m: number) => n >= MINIMUM.truth && m >= MINIMUM.referenceTruth;

/** Whether values lie where they should beside the predictions: the location of residuals. */
export function bias({ reference, window, windows, alpha }: WindowsAgainstReference): DriftFinding {
  const both = residualsOfBoth(reference, window);
  const [n, m] = [both?.window.n ?? 0, both?.reference.n ?? 0];
  if (!both || !enough(n, m)) return tooFew('bias', n, m, ACT_FROM.bias, 'Bias');
  const [own, other] = [sortedFinite(both.window.all), sortedFinite(both.reference.all)];
  const found = compare(own, other);
  const deviation = robustDeviation(other);
  const difference = median(own) - median(other);
  const effectSize = deviation > 0 ? difference / deviation : 0;
  const { basis } = both.window;
  const what = basis === 'values' ? 'Measured values' : 'Measured values less predictions';
  return gentle(
    reference,
    judge({
      ...{ name: 'bias', test: 'normal scores, permuted', statistic: found.z },
      ...{ p: locationPValue(own, other, found), alpha },
      effect: `shift of the median, in standard deviations of the reference's ${basis}`,
      ...{ effectSize, effectThreshold: ACT_FROM.bias, rows: n, referenceRows: m, windows },
      evidence: [
        { what: basis, reference: median(other), window: median(own), effectSize, rows: n, examples: [] },
      ],
      change: `${what} lie ${short(Math.abs(effectSize))} standard deviations ${effectSize > 0 ? 'higher' : 'lower'} than in the reference`,
      steady: `${what} lie where they did in the reference`,
    }),
  );
}

/** What a card promises holds roughly: a small difference from it is no news. */
function gentle({ assumed }: DriftReference, finding: DriftFinding): DriftFinding {
  if (!assumed || finding.verdict !== 'watch') return finding;
  const sentence = `${finding.sentence.replace(/; that is certain, and too small to act on\.$/, '')} That is within what a model's card leaves open.`;
  return { ...finding, verdict: 'ok', sentence };
}

/** Whether values scatter more than they did: the spread of residuals about the middle of their plate. */
export function noise({ reference, window, windows, alpha }: WindowsAgainstReference): DriftFinding {
  const both = residualsOfBoth(reference, window);
  const [n, m] = [both?.window.n ?? 0, both?.reference.n ?? 0];
  if (!both || both.window.basis === 'values' || !enough(n, m))
    return tooFew('noise', both?.window.basis === 'values' ? 0 : n, m, ACT_FROM.noise, 'Noise');
  const spreadOf = ({ plates }: Pick<DriftSample, 'plates'>, values: Float64Array) =>
    sortedFinite(centred(values, groupsOf(plates), MINIMUM.plate).map(Math.abs));
  const own = spreadOf(window, both.window.all);
  const other = spreadOf(reference.assumed ? { plates: null } : reference.sample, both.reference.all);
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const ratio = mean(other) > 0 ? mean(own) / mean(other) : 1;
  const found = compare(own, other);
  return gentle(
    reference,
    judge({
      ...{ name: 'noise', test: 'chi-squared scores, permuted', statistic: found.z },
      ...{ p: spreadPValue(own, other), alpha },
      effect: 'ratio of the mean absolute residuals, each about the middle of its plate',
      ...{ effectSize: ratio, effectThreshold: ACT_FROM.noise, rows: n, referenceRows: m, windows },
      evidence: [
        {
          ...{ what: both.window.basis, reference: mean(other), window: mean(own), effectSize: ratio },
          ...{ rows: n, examples: [] },
        },
      ],
      harmless: ratio < 1,
      change: `Measured values scatter ${short(ratio)} times as much about the predictions as in the reference`,
      steady: 'Measured values scatter about the predictions as they did in the reference',
    }),
  );
}

/** Whether the stated intervals hold what they should: the share of values inside the central 90 %. */
export function coverage({ reference, window, windows, alpha }: WindowsAgainstReference): DriftFinding {
  const both = residualsOfBoth(reference, window);
  const stated = both?.window.basis === 'standardised residuals';
  const [n, m] = stated ? [both!.window.n, both!.reference.n] : [0, 0];
  if (!both || !enough(n, m)) return tooFew('coverage', n, m, ACT_FROM.coverage, 'Coverage');
  const inside = (values: Float64Array) => values.reduce((k, z) => k + (Math.abs(z) <= Z90 ? 1 : 0), 0);
  const [k, l] = [inside(both.window.all), inside(both.reference.all)];
  const lost = l / m - k / n;
  return gentle(
    reference,
    judge({
      ...{ name: 'coverage', test: "share inside, Fisher's exact test", statistic: k / n },
      ...{ p: sharePValue(k, n, l, m), alpha },
      effect: 'share of values inside the 90 % interval, less than in the reference',
      ...{ effectSize: lost, effectThreshold: ACT_FROM.coverage, rows: n, referenceRows: m, windows },
      evidence: [
        {
          ...{ what: 'inside the 90 % interval', reference: l / m, window: k / n, effectSize: lost },
          ...{ rows: k, examples: [] },
        },
      ],
      harmless: lost < 0,
      change: `The 90 % intervals hold ${percent(k / n)} of the measured values, ${percent(l / m)} in the reference`,
      steady: `The 90 % intervals hold ${percent(k / n)} of the measured values, as in the reference`,
    }),
  );
}

/** Rank correlations of references: the same at every look. */
const keptCorrelations = new WeakMap<DriftReference, number>();

function pairsOf({ observed, predicted }: DriftSample): { observed: Float64Array; predicted: Float64Array } {
  const rows = observed && predicted ? [...observed.keys()] : [];
  const known = rows.filter((row) => Number.isFinite(observed![row]!) && Number.isFinite(predicted![row]!));
  const of = (values: Float64Array | null) => Float64Array.from(known, (row) => values![row]!);
  return { observed: of(observed), predicted: of(predicted) };
}

/** Whether the model still ranks: Spearman's correlation, by Fisher's transform (Bonett and Wright 2000, Psychometrika 65, 23). */
export function ranking({ reference, window, windows, alpha }: WindowsAgainstReference): DriftFinding {
  const [own, other] = [pairsOf(window), pairsOf(reference.sample)];
  const [n, m] = [own.observed.length, other.observed.length];
  if (n < LEAST_PAIRS || m < MINIMUM.referenceTruth)
    return notEnough(
      'ranking',
      ...([n, m, ACT_FROM.rankCorrelation] as const),
      `Ranking: ${n} pairs of value and prediction against ${m} of the reference; at least ${LEAST_PAIRS} and ${MINIMUM.referenceTruth} are needed.`,
    );
  const correlation = (pairs: typeof own) =>
    Math.max(-0.999, Math.min(0.999, spearman(pairs.observed, pairs.predicted)));
  const now = correlation(own);
  const before = keptCorrelations.get(reference) ?? correlation(other);
  keptCorrelations.set(reference, before);
  const variance = (rho: number, pairs: number) => (1 + rho ** 2 / 2) / (pairs - 3);
  const z = (Math.atanh(now) - Math.atanh(before)) / Math.sqrt(variance(now, n) + variance(before, m));
  return judge({
    ...{ name: 'ranking', test: "Spearman's correlation, Fisher's transform", statistic: z },
    ...{ p: erfc(Math.abs(z) / Math.SQRT2), alpha },
    effect: 'rank correlation, less than in the reference',
    ...{
      effectSize: before - now,
      effectThreshold: ACT_FROM.rankCorrelation,
      rows: n,
      referenceRows: m,
      windows,
    },
    evidence: [
      {
        ...{ what: 'rank correlation', reference: before, window: now, effectSize: before - now },
        ...{ rows: n, examples: [] },
      },
    ],
    harmless: now > before,
    change: `Predictions rank the measured values with a correlation of ${short(now)}, ${short(before)} in the reference`,
    steady: `Predictions rank the measured values as in the reference (${short(now)})`,
  });
}

/** Whether hits come as often. Only against a reference that was drawn as the window was: batches are chosen to hit. */
export function hits(
  { reference, window, windows, alpha }: WindowsAgainstReference,
  rule: HitRule | null,
): DriftFinding {
  const of = ({ observed }: DriftSample) => (observed ?? new Float64Array(0)).filter(Number.isFinite);
  const [own, other] = [of(window), of(reference.sample)];
  const [n, m] = [own.length, other.length];
  if (!rule)
    return notEnough(
      'hits',
      n,
      m,
      ACT_FROM.hitRate,
      'Hits: nobody said from which value on a molecule is one.',
    );
  if (!enough(n, m)) return tooFew('hits', n, m, ACT_FROM.hitRate, 'Hits');
  const hit = (value: number) =>
    rule.direction === 'above' ? value >= rule.threshold : value <= rule.threshold;
  const [k, l] = [own.filter(hit).length, other.filter(hit).length];
  const lost = l / m - k / n;
  return judge({
    ...{ name: 'hits', test: "share of hits, Fisher's exact test", statistic: k / n },
    ...{ p: sharePValue(k, n, l, m), alpha },
    effect: 'share of hits, less than in the reference',
    ...{ effectSize: lost, effectThreshold: ACT_FROM.hitRate, rows: n, referenceRows: m, windows },
    evidence: [
      {
        what: `hits, ${rule.direction} ${rule.threshold}`,
        reference: l / m,
        window: k / n,
        effectSize: lost,
        rows: k,
        examples: [],
      },
    ],
    harmless: lost < 0,
    change: `${percent(k / n)} of the measured molecules are hits, ${percent(l / m)} in the reference`,
    steady: `${percent(k / n)} of the measured molecules are hits, as in the reference`,
  });
}
