import type { HeldOutPrediction } from '../../contracts';
import { rampColour } from '../charts/colours';
import { plot } from '../charts/plot';
import { niceTicks } from '../charts/scale';
import { compoundIds, plainName, withUnit, type ReportContext } from '../context';
import { describeProperty } from '../describe';
import { dataTable, figure, type LegendEntry } from '../elements';
import { count, number, percent, plural, plusMinus } from '../format';
import { markup, type Html } from '../html';
import { errorsOf } from '../statistics';
import { SQUARE, diagonal, evaluated, isBound, predictionSources } from './evaluated';

/** Most points drawn in one scatter plot; a page must still open in a browser. */
const MOST_POINTS = 3000;

/** Evenly spaced over the list, which is sorted by a hash of the structure and so in no order that matters. */
function thinned<T>(items: readonly T[]): readonly T[] {
  if (items.length <= MOST_POINTS) return items;
  return Array.from({ length: MOST_POINTS }, (_, i) => items[Math.floor((i * items.length) / MOST_POINTS)]!);
}

const thinningNote = (all: number) =>
  all > MOST_POINTS
    ? `${count(MOST_POINTS)} of ${count(all)} points are drawn, evenly spaced; figures count all.`
    : undefined;

/** Held-out predictions of the last model against what was measured. */
export function heldOutScatter(context: ReportContext): Html {
  const round = evaluated(context).at(-1);
  if (!round || round.predictions.length === 0) return markup``;
  const { predictions } = round;
  const { metrics } = round.record.evaluation!;
  const ids = compoundIds(context.dossier);
  const name = (p: HeldOutPrediction) =>
    plainName({ moleculeId: p.moleculeId, compoundId: ids.get(p.moleculeId) });
  const bounds = predictions.filter((p) => isBound(round, p)).length;
  const axis = niceTicks(predictions.flatMap((p) => [p.observed, p.predicted]));
  const key: LegendEntry[] = [{ label: 'molecule the model had not seen', tone: 'main', shape: 'dot' }];
  if (bounds) key.push({ label: 'measured only as a bound', tone: 'main', shape: 'ring' });
  return figure({
    title: `Predicted against measured, held out (round ${round.round})`,
    finding: `${plural(predictions.length, 'molecule')}, each predicted by a model that had not seen it: R² ${number(metrics.r2, 2)}, Spearman ${number(metrics.spearman, 2)}, RMSE ${number(metrics.rmse)}.`,
    legend: key,
    chart: plot({
      ...SQUARE,
      alt: `Scatter of ${predictions.length} held-out predictions against measured values; R squared ${number(metrics.r2, 2)}`,
      x: { label: `measured ${describeProperty(context.objective)}`, ...axis },
      y: { label: 'predicted', ...axis },
      marks: [
        diagonal(axis.domain),
        {
          kind: 'points',
          tone: 'main',
          points: thinned(predictions).map((p) => ({
            x: p.observed,
            y: p.predicted,
            hollow: isBound(round, p),
            title: `${name(p)}: measured ${number(p.observed, 4)}, predicted ${plusMinus(p.predicted, p.standardDeviation)}`,
          })),
        },
      ],
    }),
    note: thinningNote(predictions.length),
    data: dataTable(
      `Held-out predictions of round ${round.round}`,
      ['molecule', 'measured', 'predicted', 'standard deviation', '90 % from', 'to'].map((head, i) => ({
        head,
        numeric: i > 0,
      })),
      predictions.map((p) => [
        markup`<bdi>${name(p)}</bdi>`,
        number(p.observed, 5),
        number(p.predicted, 5),
        number(p.standardDeviation),
        number(p.interval90[0], 4),
        number(p.interval90[1], 4),
      ]),
    ),
    sources: predictionSources(context, [round]),
  });
}

/** What was predicted when a molecule was picked, against what the lab then found: the honest test of a campaign. */
export function pickScatter(context: ReportContext): Html {
  const { dossier, outcomes, objective } = context;
  const all = dossier.rounds.flatMap((round) =>
    outcomes
      .get(round)!
      .flatMap(({ pick, row }) =>
        pick.predicted !== undefined && row?.qualifier === '='
          ? [{ round: round.round, pick, predicted: pick.predicted, observed: row.value }]
          : [],
      ),
  );
  if (all.length === 0) return markup``;
  const { mae, rmse } = errorsOf(all);
  const withInterval = all.filter((p) => p.pick.interval90);
  const inside = withInterval.filter(
    (p) => p.observed >= p.pick.interval90![0] && p.observed <= p.pick.interval90![1],
  ).length;
  const covered = withInterval.length
    ? ` ${percent(inside / withInterval.length)} lie inside their 90 % interval.`
    : '';
  const rounds = [...new Set(all.map((p) => p.round))];
  const colour = (round: number) =>
    rampColour(rounds.length > 1 ? rounds.indexOf(round) / (rounds.length - 1) : 0.4);
  const shown =
    rounds.length <= 8 ? rounds : [rounds[0]!, rounds[Math.floor(rounds.length / 2)]!, rounds.at(-1)!];
  const axis = niceTicks(all.flatMap((p) => [p.observed, p.predicted]));
  const used = dossier.rounds.filter((round) => rounds.includes(round.round));
  return figure({
    title: 'Predicted when picked against measured afterwards',
    finding: `${plural(all.length, 'pick')} measured since: mean absolute error ${number(mae)}, RMSE ${number(rmse)}.${covered} Picks are extreme by choice, so this is harder than held-out prediction.`,
    legend: shown.map((round) => ({ label: `round ${round}`, shape: 'dot', fill: colour(round) })),
    chart: plot({
      ...SQUARE,
      alt: `Scatter of ${all.length} predictions at the time of picking against the values measured afterwards; RMSE ${number(rmse)}`,
      x: { label: `measured ${describeProperty(objective)}`, ...axis },
      y: { label: 'predicted when picked', ...axis },
      marks: [
        diagonal(axis.domain),
        {
          kind: 'points',
          tone: 'main',
          radius: 4,
          points: thinned(all).map((p) => ({
            x: p.observed,
            y: p.predicted,
            fill: colour(p.round),
            title: `${plainName(p.pick)} (round ${p.round}): predicted ${number(p.predicted, 4)}, measured ${withUnit(p.observed, objective)}`,
          })),
        },
      ],
    }),
    note: thinningNote(all.length),
    data: dataTable(
      'Predictions when picked, and values measured afterwards',
      [
        { head: 'molecule' },
        ...['round', 'predicted', 'standard deviation', 'measured'].map((head) => ({ head, numeric: true })),
      ],
      all.map((p) => [
        markup`<bdi>${plainName(p.pick)}</bdi>`,
        String(p.round),
        number(p.predicted, 5),
        number(p.pick.standardDeviation),
        number(p.observed, 5),
      ]),
    ),
    sources: context.sources.citeEach(
      'sheet',
      used.map((round) => [`round ${round.round}`, round.record.sheet] as const),
      ['training table, last cut', dossier.latest?.cut.training],
    ),
  });
}
