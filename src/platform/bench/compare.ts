import { canonicalJson } from '../../contracts';
import { median } from '../../foundation';
import type { BenchFigure, BenchRecord } from './record';

/** Earlier records that a verdict needs. */
export const LEAST_RECORDS = 4;
/** Worse by this part of the median, and by so many standard deviations as the median absolute deviation tells them, is a regression. */
const WORSE_BY = 0.05;
const DEVIATIONS = 3;
/** Standard deviation of normal values by their median absolute deviation. */
const NORMAL = 1.4826;
/** What a median absolute deviation of few values is too small by (Croux and Rousseeuw 1992, Computational Statistics 1, 411). */
const FEW = [1.363, 1.206, 1.2, 1.14, 1.129, 1.107];

const deviationBy = (mad: number, n: number) => NORMAL * (FEW[n - LEAST_RECORDS] ?? n / (n - 0.8)) * mad;

export interface FigureComparison {
  readonly benchmark: string;
  readonly options: string;
  readonly figure: string;
  /** What is compared: the ratio to the peer of the same run, or, of what does not hang on the machine's load, the value. */
  readonly by: 'ratio' | 'value';
  readonly peer: string | null;
  readonly latest: number;
  readonly revision: string;
  readonly at: string;
  readonly earlier: number;
  readonly median: number | null;
  /** Median absolute deviation. */
  readonly mad: number | null;
  /** Part of the median by which the latest is worse; negative where it is better. */
  readonly worseBy: number | null;
  readonly verdict: 'regression' | 'better' | 'same' | 'not enough records' | 'no peer';
  readonly why: string;
}

/** Records that may be held against each other: of one benchmark, run in one way, on machines that are alike. */
const likeness = ({ benchmark, options, machine }: BenchRecord) =>
  canonicalJson({ benchmark, options, machine });

const comparable = ({ ratio, steady, value }: BenchFigure) => ratio ?? (steady ? value : null);

function compareFigure(
  latest: BenchRecord,
  figure: BenchFigure,
  earlier: readonly BenchRecord[],
): FigureComparison {
  const by: FigureComparison['by'] = figure.ratio === null ? 'value' : 'ratio';
  const now = comparable(figure);
  const before = earlier.flatMap(({ figures }) => {
    const same = figures.find(({ name, peer }) => name === figure.name && peer?.name === figure.peer?.name);
    return (same && comparable(same)) ?? [];
  });
  const told = {
    benchmark: latest.benchmark,
    options: latest.options,
    figure: figure.name,
    by,
    peer: figure.peer?.name ?? null,
    latest: now ?? figure.value,
    revision: latest.revision,
    at: latest.at,
    earlier: before.length,
  };
  const nothing = { median: null, mad: null, worseBy: null } as const;
  if (now === null)
    return {
      ...told,
      ...nothing,
      verdict: 'no peer',
      why: 'nothing was measured beside it, and a time alone hangs on what else the machine does',
    };
  if (before.length < LEAST_RECORDS)
    return {
      ...told,
      ...nothing,
      verdict: 'not enough records',
      why: `${before.length} earlier, ${LEAST_RECORDS} are needed`,
    };
  const middle = median(before);
  const mad = median(before.map((value) => Math.abs(value - middle)));
  const further = (figure.better === 'lower' ? 1 : -1) * (now - middle);
  const worseBy =
    middle === 0 ? (further === 0 ? 0 : Math.sign(further) * Infinity) : further / Math.abs(middle);
  const beyond =
    Math.abs(further) > DEVIATIONS * deviationBy(mad, before.length) && Math.abs(worseBy) > WORSE_BY;
  const verdict = !beyond ? 'same' : worseBy > 0 ? 'regression' : 'better';
  return {
    ...told,
    ...{ median: middle, mad, worseBy, verdict },
    why: `median of ${before.length} earlier ${Number(middle.toPrecision(4))}, median absolute deviation ${Number(mad.toPrecision(2))}`,
  };
}

/**
 * The latest record of each benchmark (each way of running it, each kind of machine) against the earlier ones.
 * @param against a revision, or the beginning of one: only its records count as earlier.
 */
export function compareHistory(
  records: readonly BenchRecord[],
  { benchmark, against }: { benchmark?: string; against?: string } = {},
): FigureComparison[] {
  const groups = new Map<string, BenchRecord[]>();
  for (const record of records) {
    if (benchmark !== undefined && record.benchmark !== benchmark) continue;
    const key = likeness(record);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  return [...groups.values()].flatMap((own) => {
    const ordered = [...own].sort((a, b) => (a.at < b.at ? -1 : 1));
    const latest = ordered.at(-1)!;
    const earlier = ordered
      .slice(0, -1)
      .filter(({ revision }) => against === undefined || revision.startsWith(against));
    return latest.figures.map((figure) => compareFigure(latest, figure, earlier));
  });
}
