import type { StageTiming } from '../../contracts';
import { stackedBars, type Bar } from '../charts/bars';
import type { ReportContext } from '../context';
import { dataTable, figure, section, type LegendEntry } from '../elements';
import { count, duration, number } from '../format';
import { markup, type Html } from '../html';

/** Most rounds drawn as bars; the table has all of them. */
const MOST_BARS = 40;

/** Stages in the order of a round; others follow as they first appear. */
const STAGE_ORDER = [
  'ingest',
  'featurize',
  'explore',
  'train',
  'evaluate',
  'register',
  'score',
  'acquire',
  'rollout',
];

function stagesOf(timings: readonly StageTiming[]): string[] {
  const seen = [...new Set(timings.map((t) => t.stage))];
  return [
    ...STAGE_ORDER.filter((stage) => seen.includes(stage)),
    ...seen.filter((stage) => !STAGE_ORDER.includes(stage)),
  ];
}

interface StageTime {
  readonly stage: string;
  readonly seconds: number;
  readonly cached: boolean;
}

/** Work of one stage in one round added up; what came from the cache stays apart. */
function addUp(timings: readonly StageTiming[], stages: readonly string[]): StageTime[] {
  return stages.flatMap((stage) =>
    [false, true].flatMap((cached) => {
      const own = timings.filter((t) => t.stage === stage && t.cached === cached);
      return own.length ? [{ stage, cached, seconds: own.reduce((sum, t) => sum + t.seconds, 0) }] : [];
    }),
  );
}

export function timingsSection({ dossier }: ReportContext): Html {
  const stages = stagesOf(dossier.rounds.flatMap((round) => round.record.timings));
  if (stages.length === 0)
    return section('time', 'Where the time went', markup`<p class="note">No timings are on record yet.</p>`);
  const rounds = dossier.rounds.map((round) => {
    const times = addUp(round.record.timings, stages);
    return { round: round.round, times, total: times.reduce((sum, t) => sum + t.seconds, 0) };
  });
  const shown = rounds.slice(-MOST_BARS);
  const bars = shown.map(({ round, times, total }): Bar => {
    return {
      label: `round ${round}`,
      total: duration(total),
      segments: times.map((t) => ({
        value: t.seconds,
        colour: stages.indexOf(t.stage),
        hatched: t.cached,
        title: `round ${round}, ${t.stage}: ${duration(t.seconds)}${t.cached ? ', from the cache' : ''}`,
      })),
    };
  });
  const key: LegendEntry[] = stages.map((stage, i) => ({ label: stage, shape: 'square', colour: i }));
  const anyCached = rounds.some(({ times }) => times.some((t) => t.cached));
  if (anyCached) key.push({ label: 'from the cache', shape: 'hatch' });
  const all = rounds.reduce((sum, { total }) => sum + total, 0);
  return section('time', 'Where the time went', [
    figure({
      wide: true,
      title: 'Seconds by stage and round',
      finding: `${duration(all)} in all, as measured where the work ran; waiting for the lab is not in it.`,
      legend: key,
      chart: stackedBars(bars, {
        alt: `Seconds per stage and round; totals ${shown.map((r) => duration(r.total)).join(', ')}`,
        axisLabel: 'seconds',
        width: 1000,
      }),
      note:
        shown.length < rounds.length
          ? `The last ${count(shown.length)} of ${count(rounds.length)} rounds are drawn; the table has all.`
          : undefined,
      data: dataTable(
        'Seconds by stage and round',
        [
          { head: 'round' },
          ...stages.map((stage) => ({ head: stage, numeric: true })),
          { head: 'sum', numeric: true },
        ],
        rounds.map(({ round, times, total }) => [
          String(round),
          ...stages.map((stage) => {
            const parts = times
              .filter((t) => t.stage === stage)
              .map((t) => `${number(t.seconds)}${t.cached ? ' cached' : ''}`);
            return parts.join(' + ') || '–';
          }),
          number(total, 4),
        ]),
      ),
      sources: markup`<p class="sources">From the timings in each round's record.</p>`,
    }),
  ]);
}
