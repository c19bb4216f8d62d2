import { plot, type Axis, type Point } from '../charts/plot';
import { niceTicks } from '../charts/scale';
import type { ReportContext } from '../context';
import type { LoadedRound } from '../dossier';
import { dataTable, figure } from '../elements';
import { count, fixed, number, percent } from '../format';
import { markup, type Html } from '../html';
import { meanPredictorRmse } from '../statistics';
import { HALF, evaluated, predictionSources } from './evaluated';

/** Ticks on whole rounds, half a round of room on either side. */
function roundAxis(rounds: readonly LoadedRound[]): Axis {
  const first = rounds[0]!.round;
  const last = rounds.at(-1)!.round;
  const every = Math.ceil((last - first + 1) / 10);
  const values = Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => first + i * every);
  return { label: 'round', domain: [first - 0.5, last + 0.5], values };
}

/** Held-out error per round against a model that always answers the mean. */
export function errorPerRound(context: ReportContext): Html {
  const rounds = evaluated(context);
  if (rounds.length === 0) return markup``;
  const points = rounds.map((round) => ({
    round: round.round,
    metrics: round.record.evaluation!.metrics,
    baseline: meanPredictorRmse(round.predictions.map((p) => p.observed)),
  }));
  const last = points.at(-1)!;
  return figure({
    title: 'Held-out error by round',
    finding: `RMSE ${number(last.metrics.rmse)} in round ${last.round}; always answering the mean gives ${number(last.baseline)}. Held-out molecules change with the picks, so compare the two lines rather than rounds.`,
    legend: [
      { label: 'model', tone: 'main', shape: 'line' },
      { label: 'always the mean', tone: 'baseline', shape: 'dashed' },
    ],
    chart: plot({
      ...HALF,
      alt: `Held-out RMSE by round: ${points.map((p) => number(p.metrics.rmse)).join(', ')}; mean predictor: ${points.map((p) => number(p.baseline)).join(', ')}`,
      x: roundAxis(rounds),
      y: {
        label: `RMSE${context.objective.unit ? ` (${context.objective.unit})` : ''}`,
        ...niceTicks(
          points.flatMap((p) => [p.metrics.rmse, p.baseline]),
          { zero: true },
        ),
      },
      marks: [
        {
          kind: 'line',
          tone: 'baseline',
          dashed: true,
          points: points.map((p) => ({ x: p.round, y: p.baseline })),
        },
        {
          kind: 'line',
          tone: 'main',
          dots: true,
          points: points.map((p) => ({
            x: p.round,
            y: p.metrics.rmse,
            title: `round ${p.round}: RMSE ${number(p.metrics.rmse)}`,
          })),
        },
      ],
    }),
    data: dataTable(
      'Held-out figures by round',
      ['round', 'held-out values', 'RMSE', 'mean predictor', 'MAE', 'R²', 'Spearman', 'NLL (nats)'].map(
        (head, i) => ({ head, numeric: i > 0 }),
      ),
      points.map(({ round, metrics: m, baseline }) => [
        String(round),
        count(m.n),
        fixed(m.rmse, 3),
        fixed(baseline, 3),
        fixed(m.mae, 3),
        fixed(m.r2, 3),
        fixed(m.spearman, 3),
        fixed(m.nll, 3),
      ]),
    ),
    sources: predictionSources(context, rounds),
  });
}

/** Share of held-out values inside the 90 % interval, per round, before and after calibration. */
export function coveragePerRound(context: ReportContext): Html {
  const rounds = evaluated(context);
  if (rounds.length === 0) return markup``;
  const points = rounds.map((round) => ({
    round: round.round,

    ...round.record.evaluation!.calibration,
  }));
  const last = points.at(-1)!;
  const line = (of: (p: (typeof points)[number]) => number, what: string): Point[] =>
    points.map((p) => ({ x: p.round, y: of(p), title: `round ${p.round}: ${percent(of(p), 1)} ${what}` }));
  const axis = niceTicks([...points.flatMap((p) => [p.coverage90Before, p.coverage90After]), 0.8, 1]);
  return figure({
    title: 'Coverage of the 90 % interval by round',
    finding: `${percent(last.coverage90After, 1)} of held-out values lie inside it in round ${last.round}; ${percent(last.coverage90Before, 1)} before calibration, which multiplied the standard deviations by ${number(last.scale)}.`,
    legend: [
      { label: 'calibrated', tone: 'main', shape: 'line' },
      { label: 'before calibration', tone: 'second', shape: 'line' },
    ],
    chart: plot({
      ...HALF,
      alt: `Coverage of the 90 % interval by round, calibrated: ${points.map((p) => percent(p.coverage90After)).join(', ')}; before: ${points.map((p) => percent(p.coverage90Before)).join(', ')}`,
      x: roundAxis(rounds),
      y: {
        label: 'share of held-out values inside',
        domain: axis.domain,
        values: axis.values,
        labels: axis.values.map((v) => percent(v)),
      },
      marks: [
        { kind: 'level', y: 0.9, tone: 'goal', label: '90 %' },
        {
          kind: 'line',
          tone: 'second',
          dots: true,
          points: line((p) => p.coverage90Before, 'before calibration'),
        },
        { kind: 'line', tone: 'main', dots: true, points: line((p) => p.coverage90After, 'calibrated') },
      ],
    }),
    data: dataTable(
      'Coverage of the 90 % interval by round',
      ['round', 'values', 'before', 'calibrated', 'scale'].map((head, i) => ({ head, numeric: i > 0 })),
      points.map((p) => [
        String(p.round),
        count(p.n),
        percent(p.coverage90Before, 1),
        percent(p.coverage90After, 1),
        number(p.scale, 4),
      ]),
    ),
    sources: predictionSources(context, rounds),
  });
}
