import type { DriftEvidence, DriftFinding } from '../../contracts';
import { ACT_FROM, MINIMUM } from '../budget';
import { foremost, judge, notEnough, percent, short } from '../finding';
import { partsOf, type DriftSample } from '../sample';
import { compare, meanPValue, sharePValue } from '../statistics/two-sample';
import { textHash } from '../statistics/summaries';
import type { WindowsAgainstReference } from './windows';

/** Rows of both samples together that have a bit, from which on the bit is compared by itself. */
const LEAST_OF_A_BIT = 8;
const SHOWN = 3;
/** The evidence of how well a classifier tells window from reference. */
export const CLASSIFIER = 'area under the curve of the classifier';

type Rows = readonly Uint16Array[];

interface Halves {
  readonly rows: readonly [Rows, Rows];
  /** Rows with each bit, in each half and over both; a bit beyond the end is in no row. */
  readonly counts: readonly [Uint32Array, Uint32Array];
  readonly all: Uint32Array;
  readonly size: number;
}

const kept = new WeakMap<readonly Uint16Array[], Halves>();

function countBits(rows: Rows): Uint32Array {
  const counts = new Uint32Array(rows.reduce((most, bits) => Math.max(most, (bits.at(-1) ?? -1) + 1), 0));
  for (const bits of rows) for (const bit of bits) counts[bit]!++;
  return counts;
}

function added(a: Uint32Array, b: Uint32Array): Uint32Array {
  const [longer, shorter] = a.length < b.length ? [b, a] : [a, b];
  const sum = longer.slice();
  shorter.forEach((n, bit) => (sum[bit]! += n));
  return sum;
}

const togetherOf = (a: Halves, b: Halves): Halves => ({
  rows: [
    [...a.rows[0], ...b.rows[0]],
    [...a.rows[1], ...b.rows[1]],
  ],
  counts: [added(a.counts[0], b.counts[0]), added(a.counts[1], b.counts[1])],
  all: added(a.all, b.all),
  size: a.size + b.size,
});

/** Two halves of a sample that do not depend on the order of its rows: by a hash of the molecule. */
function halvesOf(sample: DriftSample): Halves | null {
  const parts = partsOf(sample)?.map(halvesOf);
  if (parts) return parts.some((part) => part === null) ? null : parts.reduce((a, b) => togetherOf(a!, b!));
  const { fingerprints, smiles } = sample;
  if (!fingerprints) return null;
  const before = kept.get(fingerprints);
  if (before) return before;
  const rows: [Uint16Array[], Uint16Array[]] = [[], []];
  fingerprints.forEach((bits, row) => {
    if (bits.length === 0) return;
    const hash = textHash(smiles?.[row] ?? bits.join());
    rows[(hash >>> 16) & 1]!.push(bits);
  });
  const counts = [countBits(rows[0]), countBits(rows[1])] as const;
  const all = added(counts[0], counts[1]);
  const halves = { rows, counts, all, size: rows[0].length + rows[1].length };
  kept.set(fingerprints, halves);
  return halves;
}

/** How much each row looks like the window, by a naive Bayes classifier of one half, for rows of the other one. */
function scoresOf(
  window: Halves,
  reference: Halves,
  learnt: 0 | 1,
): { window: Float64Array; reference: Float64Array } {
  const [n, m] = [window.rows[learnt].length, reference.rows[learnt].length];
  const [own, other] = [window.counts[learnt], reference.counts[learnt]];
  const weights = new Float64Array(Math.max(window.all.length, reference.all.length)).map((_, bit) =>
    Math.log((((own[bit] ?? 0) + 1) * (m + 2)) / ((n + 2) * ((other[bit] ?? 0) + 1))),
  );
  const score = (bits: Uint16Array) => {
    let sum = 0;
    for (const bit of bits) sum += weights[bit]!;
    return sum;
  };
  const judged = learnt === 0 ? 1 : 0;
  return {
    window: Float64Array.from(window.rows[judged], score).sort(),
    reference: Float64Array.from(reference.rows[judged], score).sort(),
  };
}

/**
 * Two tests of fingerprints. A classifier learns to tell half of the window from half of the reference and is judged on the other
 * halves, then the other way round (D. Lopez-Paz, M. Oquab, arXiv:1610.06545): any change that can be told by substructures. And each
 * bit's share by itself, corrected for the number of frequent bits: one series that comes in. docs/drift.md has the measured power.
 */
export function fingerprints({ reference, window, windows, alpha }: WindowsAgainstReference): DriftFinding {
  const [own, other] = [halvesOf(window), halvesOf(reference.sample)];
  const [n, m] = [own?.size ?? 0, other?.size ?? 0];
  if (
    !own ||
    !other ||
    n < MINIMUM.window ||
    m < MINIMUM.reference ||
    own.rows.some((half) => half.length < 5)
  )
    return notEnough(
      'fingerprints',
      ...([n, m, ACT_FROM.separation] as const),
      `Fingerprints: ${n} rows against ${m} of the reference; at least ${MINIMUM.window} and ${MINIMUM.reference} are needed.`,
    );
  const common = {
    name: 'fingerprints' as const,
    alpha,
    ...{ rows: n, referenceRows: m, windows },
    steady: 'Fingerprints do not tell the molecules from those of the reference',
  };
  let [p, separation, z] = [1, 0, 0];
  for (const learnt of [0, 1] as const) {
    const scores = scoresOf(own, other, learnt);
    const found = compare(scores.window, scores.reference);
    separation += found.delta / 2;
    if (found.delta <= 0) continue;
    p = Math.min(p, meanPValue(scores.window, scores.reference));
    z = Math.max(z, found.z);
  }
  const bits = bitsByChange(own, other);
  const evidence: DriftEvidence[] = [
    {
      ...{ what: CLASSIFIER, reference: 0.5, window: 0.5 + separation / 2, effectSize: separation },
      ...{ rows: n, examples: [] },
    },
    ...bits.slice(0, SHOWN).map(({ bit, k, l }) => ({
      ...{
        what: `bit ${bit} of the fingerprint`,
        reference: l / m,
        window: k / n,
        effectSize: k / n - l / m,
      },
      ...{ rows: k, examples: [] },
    })),
  ];
  const classifier = judge({
    ...common,
    test: 'classifier by halves, permuted',
    statistic: z,
    p: Math.min(1, 4 * p),
    effect: 'twice the area under the curve, less 1',
    effectSize: separation,
    effectThreshold: ACT_FROM.separation,
    evidence,
    change: `A classifier tells the molecules from those of the reference by their substructures: area under its curve ${short(0.5 + separation / 2)}`,
  });
  const [most] = bits;
  if (!most) return classifier;
  const [before, now] = [most.l / m, most.k / n];
  const share = judge({
    ...common,
    test: "share of one bit, Fisher's exact test",
    statistic: now,
    // Twice: the classifier has the other half of the budget.
    p: Math.min(1, 2 * bits.length * sharePValue(most.k, n, most.l, m)),
    effect: 'share of molecules with one bit, more or less than in the reference',
    effectSize: now - before,
    effectThreshold: ACT_FROM.separation,
    evidence,
    change: `${percent(now)} of the molecules have bit ${most.bit} of the fingerprint, ${percent(before)} in the reference`,
  });
  return foremost([classifier, share]);
}

/** Bits by how certain their change is, in standard deviations of a random draw. */
function bitsByChange(own: Halves, other: Halves): { bit: number; k: number; l: number; z: number }[] {
  const [n, m] = [own.size, other.size];
  const found = [];
  for (let bit = 0; bit < Math.max(own.all.length, other.all.length); bit++) {
    const [k, l] = [own.all[bit] ?? 0, other.all[bit] ?? 0];
    if (k + l < LEAST_OF_A_BIT || k + l === n + m) continue;
    const share = (k + l) / (n + m);
    const z = (k / n - l / m) / Math.sqrt(share * (1 - share) * (1 / n + 1 / m));
    found.push({ bit, k, l, z });
  }
  return found.sort((a, b) => Math.abs(b.z) - Math.abs(a.z) || a.bit - b.bit);
}
