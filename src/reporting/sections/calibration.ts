import { plot, type Point } from '../charts/plot';
import type { ReportContext } from '../context';
import { dataTable, figure } from '../elements';
import { percent, plural } from '../format';
import { markup, type Html } from '../html';
import { coverageCurve } from '../statistics';
import { SQUARE, diagonal, evaluated, isBound, predictionSources } from './evaluated';

/** Observed against nominal coverage of central intervals, before and after calibration. */
export function calibrationPlot(context: ReportContext): Html {
  const round = evaluated(context).at(-1);
  if (!round) return markup``;
  const exact = round.predictions.filter((p) => !isBound(round, p));
  if (exact.length === 0) return markup``;
  const { calibration } = round.record.evaluation!;
  const curve = coverageCurve(exact, calibration.scale);
  const axis = {
    domain: [0, 1] as const,
    values: [0, 0.25, 0.5, 0.75, 1],
    labels: ['0 %', '25 %', '50 %', '75 %', '100 %'],
  };
  const line = (shares: readonly number[], what: string): Point[] =>
    shares.map((share, i) => ({
      x: curve.nominal[i]!,
      y: share,
      title: `${percent(curve.nominal[i])} interval: ${percent(share, 1)} inside, ${what}`,
    }));
  return figure({
    title: `Calibration (round ${round.round})`,
    finding: `On the diagonal, a p % interval holds p % of held-out values; below it the model is too sure of itself. At 90 %: ${percent(calibration.coverage90Before, 1)} before, ${percent(calibration.coverage90After, 1)} after.`,
    legend: [
      { label: 'calibrated', tone: 'main', shape: 'line' },
      { label: 'before calibration', tone: 'second', shape: 'line' },
    ],
    chart: plot({
      ...SQUARE,
      alt: `Calibration: observed against nominal coverage for ${exact.length} held-out values; at 90 %, ${percent(calibration.coverage90Before)} before and ${percent(calibration.coverage90After)} after`,
      x: { label: 'nominal coverage', ...axis },
      y: { label: 'observed coverage', ...axis },
      marks: [
        diagonal([0, 1]),
        { kind: 'line', tone: 'second', dots: true, points: line(curve.before, 'before calibration') },
        { kind: 'line', tone: 'main', dots: true, points: line(curve.after, 'calibrated') },
      ],
    }),
    note:
      exact.length < round.predictions.length
        ? `${plural(round.predictions.length - exact.length, 'value')} measured only as a bound left out.`
        : undefined,
    data: dataTable(
      'Observed coverage of central intervals',
      ['nominal', 'before', 'calibrated'].map((head) => ({ head, numeric: true })),
      curve.nominal.map((share, i) => [
        percent(share),
        percent(curve.before[i], 1),
        percent(curve.after[i], 1),
      ]),
    ),
    sources: predictionSources(context, [round]),
  });
}
