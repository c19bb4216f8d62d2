import type { ReplayRun, SeveralProperties } from '../../acquisition';
import { facts, table } from '../table';
import type { Retrospective } from './replay-plan';

type Figure = 'hypervolume' | 'frontSize' | 'recall' | 'hits' | 'rmse' | 'coverage90' | 'auroc' | 'logLoss';

const TITLES: Readonly<Record<Figure, string>> = {
  hypervolume: 'mean hypervolume of what was found, as a share of what the whole pool has',
  frontSize: 'mean number of molecules on the front',
  recall: 'mean share of the best values found',
  hits: 'mean number of actives found',
  rmse: 'mean RMSE on the held-out molecules',
  coverage90: 'mean share of held-out values inside the 90 % interval',
  auroc: 'mean area under the ROC curve on the held-out molecules',
  logLoss: 'mean log loss on the held-out molecules',
};

const COUNTS: ReadonlySet<Figure> = new Set(['hits', 'frontSize']);

const propertiesOf = ({ property, others }: SeveralProperties, direction: string) =>
  [{ property, direction }, ...others].map((each) => `${each.property} (${each.direction})`).join(', ');

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The means over the seeds, as text. */
export function renderRetrospective({ dataset, poolSize, protocol, runs }: Retrospective): string {
  const { goal, kind, top, direction, test, mishaps, several } = protocol;
  const isScreen = kind === 'screen';
  const looked = isScreen ? 'actives' : `the ${top} best values (${direction})`;
  const figures: Figure[] = [
    ...(several ? (['hypervolume', 'frontSize'] as const) : []),
    isScreen ? 'hits' : 'recall',
  ];
  if (test > 0)
    figures.push(...(isScreen ? (['auroc', 'logLoss'] as const) : (['rmse', 'coverage90'] as const)));
  const kinds = ['failed', 'abandoned', 'late', 'corrected'] as const;
  const suffered = mishaps && kinds.flatMap((name) => (mishaps[name] ? [`${name} ${mishaps[name]}`] : []));
  return [
    facts([
      ['pool', `${dataset}, ${poolSize} molecules`],
      ['held out', test > 0 ? test : undefined],
      [
        'looked for',
        goal.kind === 'learn' ? 'a good model' : goal.kind === 'pareto' ? 'the best trade-offs' : looked,
      ],
      ['properties', several && propertiesOf(several, direction)],
      ['measured', `${protocol.initial} at random, then ${protocol.rounds} times ${protocol.batch}`],
      ['mishaps', suffered?.join(', ')],
      ['seeds', new Set(runs.map((run) => run.seed)).size],
      ['model', `${protocol.family} on ${protocol.features}`],
    ]),
    ...figures.flatMap((figure) => ['', tableOf(figure, runs, poolSize, figure === figures[0])]),
  ].join('\n');
}

function tableOf(figure: Figure, runs: readonly ReplayRun[], poolSize: number, withCost: boolean): string {
  const strategies = [...new Set(runs.map(({ strategy }) => strategy))];
  const points = [...runs[0]!.measured.keys()];
  const of = (strategy: string) => runs.filter((run) => run.strategy === strategy);
  const cell = (strategy: string, point: number): string | undefined => {
    const values = of(strategy).flatMap((run) => run[figure]?.[point] ?? []);
    return values.length ? mean(values).toFixed(COUNTS.has(figure) ? 1 : 3) : undefined;
  };
  const measured = (point: number) => mean(runs.map((run) => run.measured[point]!));
  const heading = points.map((point) =>
    withCost ? `${((100 * measured(point)) / poolSize).toFixed(1)} %` : String(Math.round(measured(point))),
  );
  const rows = strategies.map((strategy) => [
    strategy,
    ...points.map((point) => cell(strategy, point)),
    ...(withCost ? [mean(of(strategy).flatMap((run) => run.cpuSecondsPerCycle)).toFixed(2)] : []),
  ]);
  return [
    table(['strategy', ...heading, ...(withCost ? ['CPU s a cycle'] : [])], rows),
    '',
    `${TITLES[figure]}, by ${withCost ? 'the share of the pool' : 'the number of molecules'} that was measured`,
  ].join('\n');
}
