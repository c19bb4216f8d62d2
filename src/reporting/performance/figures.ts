import type { PerformanceReport } from '../../contracts';
import type { PerformanceInput } from './input';
import { labelsOf } from './labels';
import { moneyOf } from './money';
import { sum } from './numbers';
import { queuesOf } from './queues';
import { elapsedOf, roundsOf, stagesOf } from './rounds';

/** What a rule of suggestions reads: the figures of a report, and what they were made from. */
export interface Figures extends Omit<PerformanceReport, 'suggestions' | 'notes'> {
  readonly input: PerformanceInput;
}

function timeOf({ record, work }: PerformanceInput, workSeconds: number): PerformanceReport['time'] {
  const complete = work.length > 0 && work.length === record.rounds.length;
  const elapsed = complete
    ? Math.max(0, Date.parse(work.at(-1)!.endedAt) - Date.parse(work[0]!.startedAt)) / 1000
    : null;
  const machine = complete ? sum(work, elapsedOf) : null;
  return {
    elapsedSeconds: elapsed,
    machineSeconds: machine,
    labSeconds: elapsed === null || machine === null ? null : Math.max(0, elapsed - machine),
    workSeconds,
    waitedSeconds: complete
      ? sum(work, ({ queues }) => sum(queues, ({ waitedSeconds }) => waitedSeconds))
      : null,
  };
}

/** Pure: the same records give the same figures. */
export function figuresOf(input: PerformanceInput): Figures {
  const { record, work } = input;
  const stages = stagesOf(input);
  return {
    input,
    campaignId: record.campaignId,
    finished: record.stopReason !== null,
    recordedRounds: record.rounds.length,
    roundsWithHistories: work.length,
    time: timeOf(
      input,
      sum(stages, ({ seconds }) => seconds),
    ),
    stages,
    rounds: roundsOf(input),
    queues: queuesOf(work),
    labels: labelsOf(input),
    money: moneyOf(input),
  };
}
