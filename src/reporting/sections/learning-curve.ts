import { plot, type Mark } from '../charts/plot';
import { niceTicks } from '../charts/scale';
import { cutName, signOf, withUnit, type ReportContext } from '../context';
import { describeProperty } from '../describe';
import { dataTable, figure, type LegendEntry } from '../elements';
import { count, number, percent, plural } from '../format';
import { estimateHits, LEAST_RANDOM } from '../hits';
import { markup, type Html } from '../html';
import { expectedBest, hypergeometricInterval } from '../statistics';
import type { TopMolecules } from '../top-molecules';

const WIDE = { width: 1000, height: 380 };
const HALF = { width: 490, height: 320 };
const BAND = 0.95;

/** Labels at which a baseline is drawn: every one of a small campaign, about 60 of a large one. */
function labelGrid(most: number): number[] {
  const steps = Math.min(most, 60);
  return [
    ...new Set(Array.from({ length: steps + 1 }, (_, i) => Math.round((i * most) / Math.max(1, steps)))),
  ];
}

const trainingSources = (context: ReportContext) =>
  context.sources.citeEach(
    'training table',
    context.dossier.cuts.map((cut) => [cutName(context.dossier, cut), cut.cut.training] as const),
  );

/** How fast good molecules were found, against picking at random. */
export function learningCurve(context: ReportContext): Html {
  if (context.dossier.cuts.length === 0) return markup``;
  return context.top ? topCurve(context, context.top) : hitCurve(context);
}

function topCurve(context: ReportContext, top: TopMolecules): Html {
  const { dossier } = context;
  const points = dossier.cuts.map((cut) => {
    const labelled = cut.labelled.length;
    const [low, high] = hypergeometricInterval(
      top.poolSize,
      top.size,
      Math.min(labelled, top.poolSize),
      BAND,
    );
    return {
      name: cutName(dossier, cut),
      labelled,
      found: top.found(cut.labelled.map((row) => row.moleculeId)),
      expected: top.expectedFound(labelled),
      low,
      high,
    };
  });
  const last = points.at(-1)!;
  const most = Math.max(1, ...points.map((p) => p.labelled));
  const grid = labelGrid(most);
  const band = grid.map((n) => {
    const [low, high] = hypergeometricInterval(top.poolSize, top.size, Math.min(n, top.poolSize), BAND);
    return { x: n, low, high };
  });
  const marks: Mark[] = [
    { kind: 'band', points: band, tone: 'baseline' },
    {
      kind: 'line',
      points: grid.map((n) => ({ x: n, y: top.expectedFound(n) })),
      tone: 'baseline',
      dashed: true,
    },
    {
      kind: 'line',
      dots: true,
      tone: 'main',
      points: points.map((p) => ({
        x: p.labelled,
        y: p.found,
        title: `${p.name}: ${count(p.found)} of the top ${count(top.size)} after ${plural(p.labelled, 'label')}`,
      })),
    },
  ];
  const times = last.expected > 0 ? last.found / last.expected : 0;
  const ahead =
    times > 1
      ? `, ${number(times, 2)} times as many as random picking would be expected to find`
      : '; random picking would be expected to find';
  const share = `${percent(top.fraction, top.fraction < 0.01 ? 1 : 0)} (${count(top.size)})`;
  return figure({
    wide: true,
    title: `The best ${share} of the pool: found so far`,
    finding: `${count(last.found)} of the best ${count(top.size)} molecules were found with ${plural(last.labelled, 'label')} (${percent(last.labelled / top.poolSize, 1)} of the pool)${ahead} (${number(last.expected, 3)}; 95 % of the time ${last.low} to ${last.high}).`,
    legend: [
      { label: 'this campaign', tone: 'main', shape: 'line' },
      { label: 'expected from random picks', tone: 'baseline', shape: 'dashed' },
      { label: '95 % of random campaigns', tone: 'baseline', shape: 'band' },
    ],
    chart: plot({
      ...WIDE,
      alt: `Learning curve: ${last.found} of the top ${top.size} found after ${last.labelled} labels; ${number(last.expected)} expected at random`,
      x: {
        label: 'pool molecules labelled',
        ...niceTicks([0, most], { zero: true, integers: true, wanted: 8 }),
      },
      y: {
        label: `of the top ${count(top.size)}, found`,
        ...niceTicks([...points.map((p) => p.found), ...band.map((b) => b.high)], {
          zero: true,
          integers: true,
        }),
      },
      marks,
    }),
    data: dataTable(
      'Top molecules found and expected at each cut',
      [
        { head: 'cut' },
        ...['labels', 'found', 'expected at random', '95 % from', 'to'].map((head) => ({
          head,
          numeric: true,
        })),
      ],
      points.map((p) => [
        p.name,
        count(p.labelled),
        count(p.found),
        number(p.expected, 4),
        count(p.low),
        count(p.high),
      ]),
    ),
    sources: trainingSources(context),
  });
}

function hitCurve(context: ReportContext): Html {
  const { dossier, objective } = context;
  const estimate = estimateHits(dossier, context.outcomes);
  if (!estimate) {
    return markup`<p class="note">
      Hits against random picking: not estimated, because no batch has ${LEAST_RANDOM} measured random picks
      to estimate a hit rate from.
    </p>`;
  }
  const side = objective.direction === 'maximize' ? 'at least' : 'at most';
  const points = dossier.cuts.map((cut) => ({
    name: cutName(dossier, cut),
    labelled: cut.labelled.length,
    hits: cut.labelled.filter(estimate.isHit).length,
  }));
  const last = points.at(-1)!;
  const most = Math.max(1, ...points.map((p) => p.labelled));
  const ends = [0, most];
  const what =
    estimate.thresholdIs === 'target'
      ? `${side} ${withUnit(estimate.threshold, objective)}, the target`
      : `${side} ${withUnit(estimate.threshold, objective)}, which the best tenth of the random picks of round ${estimate.round} reached`;
  return figure({
    wide: true,
    title: 'Hits found, against an estimate for random picking',
    finding: `${count(last.hits)} of ${plural(last.labelled, 'label')} are hits (${what}). An estimate from ${estimate.sample} random picks, ${plural(estimate.hits, 'hit')} among them: random picking finds ${percent(estimate.rate)} (95 % interval ${percent(estimate.interval[0])} to ${percent(estimate.interval[1])}), or about ${number(estimate.rate * last.labelled, 2)} by now.`,
    legend: [
      { label: 'this campaign', tone: 'main', shape: 'line' },
      { label: 'random picks, estimated', tone: 'baseline', shape: 'dashed' },
      { label: '95 % interval of the estimate', tone: 'baseline', shape: 'band' },
    ],
    chart: plot({
      ...WIDE,
      alt: `Hits found: ${last.hits} after ${last.labelled} labels; about ${number(estimate.rate * last.labelled, 2)} estimated for random picks`,
      x: { label: 'pool molecules labelled', ...niceTicks(ends, { zero: true, integers: true, wanted: 8 }) },
      y: {
        label: 'hits',
        ...niceTicks([...points.map((p) => p.hits), estimate.interval[1] * most], {
          zero: true,
          integers: true,
        }),
      },
      marks: [
        {
          kind: 'band',
          tone: 'baseline',
          points: ends.map((n) => ({ x: n, low: estimate.interval[0] * n, high: estimate.interval[1] * n })),
        },
        {
          kind: 'line',
          tone: 'baseline',
          dashed: true,
          points: ends.map((n) => ({ x: n, y: estimate.rate * n })),
        },
        {
          kind: 'line',
          tone: 'main',
          dots: true,
          points: points.map((p) => ({
            x: p.labelled,
            y: p.hits,
            title: `${p.name}: ${plural(p.hits, 'hit')} in ${plural(p.labelled, 'label')}`,
          })),
        },
      ],
    }),
    data: dataTable(
      'Hits found and estimated for random picks at each cut',
      [{ head: 'cut' }, ...['labels', 'hits', 'random, estimated'].map((head) => ({ head, numeric: true }))],
      points.map((p) => [p.name, count(p.labelled), count(p.hits), number(estimate.rate * p.labelled, 3)]),
    ),
    sources: trainingSources(context),
  });
}

/** The best measured value as labels came in; with the truth known, also what random picks would be expected to reach. */
export function bestSoFar(context: ReportContext): Html {
  const { dossier, objective, top } = context;
  const points = dossier.cuts.flatMap((cut) =>
    cut.cut.best
      ? [{ name: cutName(dossier, cut), labels: cut.labelled.length, best: cut.cut.best.value }]
      : [],
  );
  if (points.length === 0) return markup``;
  const most = Math.max(1, ...points.map((p) => p.labels));
  const random = top
    ? labelGrid(most)
        .filter((n) => n >= Math.max(1, Math.min(points[0]!.labels, most / 20)) && n <= top.bestFirst.length)
        .map((n) => ({ x: n, y: expectedBest(top.bestFirst, n) }))
    : [];
  const goal = objective.target;
  const limit = top?.bestFirst[0];
  const marks: Mark[] = [
    ...(goal === undefined ? [] : [{ kind: 'level', y: goal, tone: 'goal', label: 'target' } as const]),
    ...(limit === undefined
      ? []
      : [{ kind: 'level', y: limit, tone: 'muted', label: 'best of the pool' } as const]),
    { kind: 'line', points: random, tone: 'baseline', dashed: true },
    {
      kind: 'line',
      step: true,
      dots: true,
      tone: 'main',
      points: points.map((p) => ({
        x: p.labels,
        y: p.best,
        title: `${p.name}: ${number(p.best, 5)} after ${plural(p.labels, 'label')}`,
      })),
    },
  ];
  const key: LegendEntry[] = [{ label: 'best measured', tone: 'main', shape: 'line' }];
  if (random.length) key.push({ label: 'expected best of random picks', tone: 'baseline', shape: 'dashed' });
  const levels = [goal, limit].filter((level): level is number => level !== undefined);
  const last = points.at(-1)!;
  const gain = Math.abs(last.best - points[0]!.best);
  return figure({
    title: 'Best value so far',
    finding: `${withUnit(last.best, objective)}${gain > 0 ? `, ${number(gain, 3)} better than what was known ${points[0]!.name}` : ''}.${signOf(objective) === 1 ? '' : ' Lower is better.'}`,
    legend: key,
    chart: plot({
      ...HALF,
      alt: `Best measured value after each round, ${points.map((p) => number(p.best)).join(', ')}`,
      x: { label: 'pool molecules labelled', ...niceTicks([0, most], { zero: true, integers: true }) },
      y: {
        label: describeProperty(objective),
        ...niceTicks([...points.map((p) => p.best), ...random.map((p) => p.y), ...levels]),
      },
      marks,
    }),
    data: dataTable(
      'Best measured value at each cut',
      [{ head: 'cut' }, { head: 'labels', numeric: true }, { head: 'best', numeric: true }],
      points.map((p) => [p.name, count(p.labels), number(p.best, 5)]),
    ),
    sources: trainingSources(context),
  });
}
