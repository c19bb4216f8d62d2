import type { DriftEvidence, DriftFinding } from '../../contracts';
import { ACT_FROM, MINIMUM } from '../budget';
import { judge, notEnough, short } from '../finding';
import { groupsOf, residualsOfBoth } from '../residuals';
import { compare, locationPValue } from '../statistics/two-sample';
import { median, robustDeviation, sortedFinite } from '../statistics/summaries';
import type { WindowsAgainstReference } from './windows';

const WORDS = {
  plates: { one: 'plate', many: 'plates' },
  labs: { one: 'laboratory', many: 'laboratories' },
} as const;

const SHOWN = 8;
/** A plate less far off, in standard deviations of a random draw, is below no threshold: no p-value is worked out. */
const UNREMARKABLE = 3;

/**
 * Each plate, or laboratory, by itself: where its residuals lie against those of the reference, corrected for the number of plates. One
 * window at a time: a plate is of one batch.
 */
export function groupOffsets(
  name: 'plates' | 'labs',
  { reference, window, windows, alpha }: WindowsAgainstReference,
): DriftFinding {
  const { one, many } = WORDS[name];
  const both = residualsOfBoth(reference, window);
  const other = both ? sortedFinite(both.reference.all) : new Float64Array(0);
  const groups = [...groupsOf(window[name])].flatMap(([group, rows]) => {
    const own = both ? sortedFinite(Float64Array.from(rows, (row) => both.window.all[row]!)) : null;
    return own && own.length >= MINIMUM.plate ? [{ group, own }] : [];
  });
  const n = groups.reduce((sum, { own }) => sum + own.length, 0);
  const deviation = other.length ? robustDeviation(other) : 0;
  if (!both || groups.length === 0 || other.length < MINIMUM.referenceTruth || deviation === 0)
    return notEnough(
      name,
      ...([n, other.length, ACT_FROM.plateOffset] as const),
      `No ${one} with ${MINIMUM.plate} measured values, or fewer than ${MINIMUM.referenceTruth} in the reference.`,
    );
  const compared = groups
    .map(({ group, own }) => ({ group, own, found: compare(own, other) }))
    .map((each) => ({ ...each, offset: (median(each.own) - median(other)) / deviation }))
    .sort((a, b) => Math.abs(b.found.z) - Math.abs(a.found.z) || (a.group < b.group ? -1 : 1));
  const corrected = ({ own, found }: (typeof compared)[0]) =>
    Math.min(1, compared.length * locationPValue(own, other, found));
  const [most] = compared as [(typeof compared)[0]];
  const moved = compared.filter(
    (each) => each === most || (Math.abs(each.found.z) > UNREMARKABLE && corrected(each) < alpha),
  );
  const evidence = moved.slice(0, SHOWN).map(({ group, own, offset }): DriftEvidence => ({
    ...{ what: group, reference: median(other), window: median(own), effectSize: offset },
    ...{ rows: own.length, examples: [] },
  }));
  return judge({
    ...{ name, test: `normal scores of each ${one}, permuted`, statistic: most.found.z },
    ...{ p: corrected(most), alpha, rows: n, referenceRows: other.length, windows },
    effect: `offset of the ${one}, in standard deviations of the reference's ${both.window.basis}`,
    ...{ effectSize: most.offset, effectThreshold: ACT_FROM.plateOffset, evidence },
    change:
      moved.length === 1
        ? `Values of the ${one} ${most.group} lie ${short(Math.abs(most.offset))} standard deviations ${most.offset > 0 ? 'higher' : 'lower'} than they should; ${compared.length - 1} other ${many} of the window do not`
        : `Values of ${moved.length} of ${compared.length} ${many} are off, most of all those of ${most.group}: by ${short(most.offset)} standard deviations`,
    steady: `None of ${compared.length} ${compared.length === 1 ? one : many} is off`,
  });
}
