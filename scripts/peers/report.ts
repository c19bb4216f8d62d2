/** The comparison as Markdown. */
import type { Coverage, DataSetComparison, Duel } from './comparison';
import type { Interval } from './statistics';

const DIGITS = 3;
const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(DIGITS)}`;
const interval = ({ mean, lower, upper }: Interval) =>
  `${mean.toFixed(DIGITS)} (${lower.toFixed(DIGITS)} to ${upper.toFixed(DIGITS)})`;
const percent = (value: number) => (100 * value).toFixed(1);
const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`;
const table = (heading: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  line(heading) + line(heading.map(() => '---')) + rows.map(line).join('');

const coverageText = ({ predictions, inside, share }: Coverage) =>
  `${percent(share.mean)} % (${percent(share.lower)} to ${percent(share.upper)}), ${inside} of ${predictions}`;

const against = ({ peer, difference, verdict, splits }: Duel) => [
  peer,
  `${signed(difference.mean)} (${signed(difference.lower)} to ${signed(difference.upper)})`,
  splits.length,
  verdict,
];

export function renderReport(
  comparisons: readonly DataSetComparison[],
  pooled: Coverage | null,
  ours: string,
): string {
  const figures = comparisons.flatMap((comparison) =>
    comparison.methods.map(({ method, score, splits, cpuSeconds }) => [
      comparison.title,
      comparison.metric === 'rmse' ? 'RMSE' : 'AUPRC',
      method,
      interval(score),
      splits.length,
      cpuSeconds.toFixed(1),
    ]),
  );
  const duels = comparisons.flatMap((comparison) =>
    comparison.duels.slice(0, 1).map((duel) => [comparison.title, ...against(duel)]),
  );
  const coverages = comparisons.flatMap(({ title, coverage }) =>
    coverage ? [[title, coverageText(coverage)]] : [],
  );
  const rows = comparisons.map(({ title, trainRows, testRows, note }) => [title, trainRows, testRows, note]);
  return [
    table(['data set', 'figure', 'method', 'mean over splits (95 %)', 'splits', 'CPU s a split'], figures),
    table(['data set', 'best peer', `${ours} minus it (95 %, paired)`, 'splits', 'verdict'], duels),
    table(
      ['data set', `coverage of the 90 % intervals of ${ours}`],
      [...coverages, ...(pooled ? [['all together', coverageText(pooled)]] : [])],
    ),
    table(['data set', 'rows trained on', 'rows tested on', 'rows of the file'], rows),
  ].join('\n');
}
