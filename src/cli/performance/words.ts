import pc from 'picocolors';
import type { PerformanceReport } from '../../contracts';
import { duration, fixed, percent } from '../../reporting/format';
import { gainWords } from '../../reporting/performance';
import { facts, table } from '../table';

/** Rounds that are shown; --json has all. */
const MOST_ROUNDS = 12;

/** Plain spaces: a terminal breaks lines where it likes. */
const plain = (text: string) => text.replaceAll('\u00a0', ' ');
const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
const seconds = (value: number | null) => (value === null ? null : plain(duration(value)));
const times = (value: number | null) => (value === null ? null : `${Number(value.toPrecision(2))}x`);
const share = (value: number) => plain(percent(value));

const heading = (text: string) => `\n${pc.bold(text)}`;

function overview({ campaignId, finished, time, labels, money, recordedRounds }: PerformanceReport): string {
  const lost = `${labels.failed} failed, ${labels.abandoned} abandoned, ${labels.pending} out`;
  const again = `${labels.censored} bounds, ${labels.replicates} replicates`;
  const { intake } = labels;
  return facts([
    ['campaign', `${campaignId}, ${finished ? 'finished' : 'running'}, ${recordedRounds} rounds on record`],
    ['elapsed', seconds(time.elapsedSeconds)],
    ['  in rounds', seconds(time.machineSeconds)],
    ['  between them', time.labSeconds === null ? null : `${seconds(time.labSeconds)}, with the lab`],
    ['work', `${seconds(time.workSeconds)}, summed over what ran side by side`],
    ['waited in queues', seconds(time.waitedSeconds)],
    ['labels', `${labels.labels} of ${labels.picks} molecules handed out; ${again}; ${lost}`],
    [
      'posted',
      intake &&
        `${intake.received} rows: ${intake.accepted} accepted, ${intake.duplicates} duplicates, ${intake.rejected} refused`,
    ],
    [
      'machines',
      `${fixed(money.usd, 2)} USD ${money.basis === 'as-if' ? 'if they were on Google Cloud' : '(estimate)'}`,
    ],
    ['molecules', money.assays === null ? null : `${money.assays} in the campaign's own currency`],
  ]);
}

function suggestions({ suggestions: found }: PerformanceReport): string {
  if (found.length === 0) return 'Nothing was found that would have saved a twentieth of anything.';
  return found
    .map(
      (one, i) =>
        `${i + 1}. ${one.suggestion}.\n   ${pc.bold(sentence(plain(gainWords(one))))}\n   ${sentence(plain(one.figure))} [${one.rule}]`,
    )
    .join('\n');
}

const stages = (report: PerformanceReport) =>
  table(
    ['stage', 'work', 'share', 'forecast', 'by forecast', 'last by earlier', 'from the cache'],
    report.stages.map((one) => [
      one.stage,
      seconds(one.seconds),
      share(one.share),
      seconds(one.forecastSeconds),
      times(one.ratioToForecast),
      times(one.ratioToEarlier),
      `${one.cachedRounds} of ${one.rounds} rounds`,
    ]),
  );

const rounds = (report: PerformanceReport) =>
  table(
    [
      'round',
      'labels',
      'work',
      'by forecast',
      'by earlier',
      'took',
      'waited',
      'lab',
      'cached',
      'RMSE',
      'best',
    ],
    report.rounds
      .slice(-MOST_ROUNDS)
      .map((one) => [
        one.round,
        one.labels,
        seconds(one.seconds),
        times(one.ratioToForecast),
        times(one.ratioToEarlier),
        seconds(one.elapsedSeconds),
        seconds(one.waitedSeconds),
        seconds(one.labSeconds),
        one.steps === null ? null : `${one.cachedSteps} of ${one.steps}`,
        one.rmse,
        one.best,
      ]),
  );

const queues = (report: PerformanceReport) =>
  table(
    ['queue', 'activities', 'waited', 'ran', 'busy', 'blocked', 'unattended', 'at once', 'workers'],
    report.queues.map((one) => [
      one.queue,
      one.activities,
      seconds(one.waitedSeconds),
      seconds(one.ranSeconds),
      seconds(one.busySeconds),
      seconds(one.blockedSeconds),
      seconds(one.unattendedSeconds),
      one.mostAtOnce,
      one.workers,
    ]),
  );

const money = ({ money: { lines } }: PerformanceReport) =>
  table(
    ['cost', 'quantity', 'unit', 'USD'],
    lines.map(({ what, quantity, unit, usd }) => [
      what,
      Number(quantity.toPrecision(3)),
      unit,
      fixed(usd, 2),
    ]),
  );

/** For a terminal: what to change first, then where everything went. */
export function describePerformance(report: PerformanceReport): string {
  const more =
    report.rounds.length > MOST_ROUNDS ? `, the last ${MOST_ROUNDS} of ${report.rounds.length}` : '';
  return [
    overview(report),
    heading('What would have taken less'),
    suggestions(report),
    heading('Stages'),
    stages(report),
    heading(`Rounds${more}`),
    rounds(report),
    ...(report.queues.length ? [heading('Queues'), queues(report)] : []),
    heading('Machines'),
    money(report),
    '',
    ...report.notes.map((note) => sentence(note)),
  ].join('\n');
}
