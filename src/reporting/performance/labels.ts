import type { CampaignRecord, LabelPerformance, RoundWork, TrainingRow } from '../../contracts';
import type { PerformanceInput } from './input';
import { rmseNoise, sum } from './numbers';
import { between } from './rounds';

/** Fewer rounds than these say nothing about whether labels teach. */
const LEAST_ROUNDS = 3;
const LEAST_LABELS = 20;

/**
 * The longest run of rounds up to the last one in which the best value stayed (where the campaign seeks the best) and the held-out
 * error never fell by more than its own noise at the beginning of the run.
 */
function taughtNothing({ rounds, config }: CampaignRecord): LabelPerformance['taughtNothing'] {
  const { goal } = config.objective;
  // Where actives, a range or a front are looked for, the labels themselves are what is wanted.
  if (goal !== 'best' && goal !== 'learn') return null;
  const known = rounds.flatMap(({ summary, evaluation }) =>
    evaluation ? [{ labels: summary.labels, best: summary.best, ...evaluation.metrics }] : [],
  );
  const last = known.at(-1);
  if (!last) return null;
  for (let from = 0; from <= known.length - 1 - LEAST_ROUNDS; from++) {
    const first = known[from]!;
    const later = known.slice(from + 1);
    const moved = goal === 'best' && last.best !== first.best;
    const learnt = later.some(({ rmse }) => rmse < first.rmse * (1 - rmseNoise(first.n)));
    const labels = last.labels - first.labels;
    if (!moved && !learnt && labels >= LEAST_LABELS) return { labels, rounds: later.length };
  }
  return null;
}

const replicatesOf = (training: readonly TrainingRow[]) =>
  sum(training, ({ replicates }) => Math.max(0, replicates - 1));

function labTime(rounds: number, work: readonly RoundWork[]): number | null {
  if (work.length < rounds || work.length < 2) return null;
  return sum(work.slice(1), (after) => between(work[work.indexOf(after) - 1]!, after));
}

export function labelsOf({ record, work, training }: PerformanceInput): LabelPerformance {
  const cut = record.finalCut ?? record.rounds.at(-1)?.cut;
  const { failed = 0, abandoned = 0, measured = 0, censored = 0, labels = 0 } = cut ?? {};
  return {
    picks: sum(record.rounds, ({ summary }) => summary.batchSize),
    ...{ labels, measured, censored, failed, abandoned },
    pending: cut?.pendingCount ?? 0,
    replicates: replicatesOf(training),
    intake: work.findLast(({ intake }) => intake !== null)?.intake ?? null,
    labSeconds: labTime(record.rounds.length, work),
    taughtNothing: taughtNothing(record),
  };
}
