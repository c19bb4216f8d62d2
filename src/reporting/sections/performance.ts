import type { PerformanceReport, StagePerformance } from '../../contracts';
import type { ReportContext } from '../context';
import { section, table } from '../elements';
import { count, duration, fixed, number, percent, plural } from '../format';
import { markup, type Html } from '../html';
import { gainWords } from '../performance/gain-words';

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
const seconds = (value: number | null) => (value === null ? '–' : duration(value));
const times = (value: number | null) => (value === null ? '–' : `${number(value, 2)} ×`);

function suggestionList({ suggestions }: PerformanceReport): Html {
  if (suggestions.length === 0)
    return markup`<p class="note">Nothing was found that would have saved a twentieth of anything.</p>`;
  return markup`<ol class="suggestions">
    ${suggestions.map(
      (one) =>
        markup`<li>
          <p><strong>${one.suggestion}.</strong> ${sentence(gainWords(one))}</p>
          <p class="note">${sentence(one.figure)}</p>
        </li>`,
    )}
  </ol>`;
}

const stageRow = (stage: StagePerformance) => [
  stage.stage,
  duration(stage.seconds),
  percent(stage.share),
  seconds(stage.forecastSeconds),
  times(stage.ratioToForecast),
  times(stage.ratioToEarlier),
  `${count(stage.cachedRounds)} of ${count(stage.rounds)}`,
];

function timeWords({ time, labels, money }: PerformanceReport): Html {
  const parts = [
    time.elapsedSeconds !== null &&
      `${duration(time.elapsedSeconds)} from the first ingestion to the last round: ${seconds(time.machineSeconds)} of rounds, ${seconds(time.labSeconds)} between them, with the lab.`,
    `${duration(time.workSeconds)} of work, summed over what ran side by side.`,
    time.waitedSeconds !== null && `Work waited in queues for ${duration(time.waitedSeconds)} in all.`,
    `${plural(labels.picks, 'molecule')} handed out, ${plural(labels.labels, 'label')} (${count(labels.censored)} of them bounds); ${count(labels.failed)} failed, ${count(labels.abandoned)} abandoned, ${count(labels.pending)} still out.`,
    `Machines: ${fixed(money.usd, 2)} USD${money.basis === 'as-if' ? ', had they been machines of Google Cloud' : ', an estimate'}${money.assays === null ? '' : `; molecules: ${number(money.assays, 4)} in the campaign's own currency`}.`,
  ].filter((part): part is string => part !== false);
  return markup`<p>${parts.join(' ')}</p>`;
}

/** Where time, money and labels went, and what would have taken less; nothing where nobody asked for it. */
export function performanceSection({ performance }: ReportContext): Html {
  if (!performance) return markup``;
  return section(
    'performance',
    'Where time, money and labels went',
    [
      timeWords(performance),
      markup`<h3>What would have taken less</h3>`,
      suggestionList(performance),
      table(
        'Stages against the forecast of the capacity model and the rounds before',
        [
          { head: 'stage' },
          { head: 'work', numeric: true },
          { head: 'share', numeric: true },
          { head: 'forecast', numeric: true },
          { head: 'by forecast', numeric: true },
          { head: 'last round by earlier', numeric: true },
          { head: 'rounds from the cache', numeric: true },
        ],
        performance.stages.map(stageRow),
      ),
      performance.queues.length > 0 &&
        table(
          'Task queues',
          [
            { head: 'queue' },
            { head: 'activities', numeric: true },
            { head: 'waited', numeric: true },
            { head: 'ran', numeric: true },
            { head: 'some waited while others ran', numeric: true },
            { head: 'at once', numeric: true },
          ],
          performance.queues.map((queue) => [
            queue.queue,
            count(queue.activities),
            duration(queue.waitedSeconds),
            duration(queue.ranSeconds),
            duration(queue.blockedSeconds),
            count(queue.mostAtOnce),
          ]),
        ),
      performance.notes.map((note) => markup`<p class="note">${sentence(note)}</p>`),
    ].flatMap((part) => (part === false ? [] : [part].flat())),
  );
}
