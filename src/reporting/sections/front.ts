import { frontMolecules, frontOver, type Traded } from '../../acquisition';
import { propertiesOf, type MeasuredProperty } from '../../contracts';
import { plot, type Mark, type Point } from '../charts/plot';
import { niceTicks } from '../charts/scale';
import { compoundIds, cutName, plainName, type ReportContext } from '../context';
import { describeProperty } from '../describe';
import type { LoadedCut } from '../dossier';
import { dataTable, figure, section } from '../elements';
import { count, number, plural } from '../format';
import { markup, type Html } from '../html';
import { HALF, SQUARE } from './evaluated';

/** The uncensored values of a cut, property by property, the first one first. */
function tradedIn(cut: LoadedCut, properties: readonly MeasuredProperty[]): Traded[] {
  const tables = [cut.rows, ...cut.others];
  return properties.map(({ direction, reference }, i) => ({
    direction,
    ...(reference !== undefined && { reference }),
    values: new Map(
      [...(tables[i]?.values() ?? [])].flatMap(({ moleculeId, value, qualifier }) =>
        qualifier === '=' ? [[moleculeId, value]] : [],
      ),
    ),
  }));
}

/** What is traded off, as the last cut knows it; null for a campaign of one property, and while no molecule has every value. */
function tradedOff({ dossier, objective }: ReportContext) {
  if (!objective.others || !dossier.latest) return null;
  const properties = propertiesOf(objective);
  const traded = tradedIn(dossier.latest, properties);
  const front = frontOver(traded);
  if (!front) return null;
  const [first, ...others] = traded;
  const complete = [...first!.values.keys()].filter((id) => others.every(({ values }) => values.has(id)));
  return { properties, traded, front, complete: complete.sort() };
}

/** The front over all properties: one picture for each property against the first, and how much it covers, round by round. */
export function frontSection(context: ReportContext): Html {
  if (!context.objective.others) return markup``;
  const found = tradedOff(context);
  if (!found) {
    const none = markup`<p class="note">No molecule has a value of every property yet.</p>`;
    return section('front', 'The front', none);
  }
  const pictures = found.properties.slice(1).map((_, i) => against(context, found, i + 1));
  return section(
    'front',
    'The front',
    markup`<div class="figures">${pictures}${covered(context, found)}</div>`,
  );
}

type Found = NonNullable<ReturnType<typeof tradedOff>>;

/** The border between what a front of two properties beats and what it does not: a staircase through its points. */
function staircase(points: readonly Point[], { direction }: Pick<MeasuredProperty, 'direction'>): Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x);
  return sorted.flatMap((p, i) => {
    const before = sorted[i - 1];
    if (!before) return [p];
    return [direction === 'maximize' ? { x: before.x, y: p.y } : { x: p.x, y: before.y }, p];
  });
}

function against(context: ReportContext, { properties, traded, front, complete }: Found, at: number): Html {
  const { dossier } = context;
  const [x, y] = [properties[0]!, properties[at]!];
  const ids = compoundIds(dossier);
  const on = new Set(front.moleculeIds);
  const point = (moleculeId: string): Point => {
    const own = { x: traded[0]!.values.get(moleculeId)!, y: traded[at]!.values.get(moleculeId)! };
    const name = plainName({ moleculeId, compoundId: ids.get(moleculeId) });
    return { ...own, title: `${name}: ${x.property} ${number(own.x, 4)}, ${y.property} ${number(own.y, 4)}` };
  };
  const best = front.moleculeIds.map(point);
  const rest = complete.filter((id) => !on.has(id)).map(point);
  const two = properties.length === 2;
  const line: Mark[] = two ? [{ kind: 'line', tone: 'main', dashed: true, points: staircase(best, x) }] : [];
  return figure({
    title: `${x.property} and ${y.property}`,
    finding: `${plural(front.moleculeIds.length, 'molecule')} of ${count(complete.length)} with every value ${front.moleculeIds.length === 1 ? 'is' : 'are'} beaten by no other in ${two ? 'both' : 'all properties'}. Wanted: ${aim(x)}, ${aim(y)}.`,
    legend: [
      { label: 'on the front', tone: 'main', shape: 'dot' },
      { label: 'measured, beaten', tone: 'muted', shape: 'dot' },
    ],
    chart: plot({
      ...SQUARE,
      alt: `${x.property} against ${y.property} of ${complete.length} molecules, ${best.length} of them on the front`,
      x: { label: describeProperty(x), ...niceTicks([...best, ...rest].map((p) => p.x)) },
      y: { label: describeProperty(y), ...niceTicks([...best, ...rest].map((p) => p.y)) },
      marks: [
        ...line,
        { kind: 'points', tone: 'muted', points: rest },
        { kind: 'points', tone: 'main', radius: 5, points: best },
      ],
    }),
    data: dataTable(
      'Molecules on the front',
      [
        { head: 'molecule' },
        ...properties.map((property) => ({ head: describeProperty(property), numeric: true })),
      ],
      front.moleculeIds.map((moleculeId) => [
        markup`<bdi>${plainName({ moleculeId, compoundId: ids.get(moleculeId) })}</bdi>`,
        ...traded.map(({ values }) => number(values.get(moleculeId), 5)),
      ]),
    ),
    sources: context.sources.cite(
      [`training table, last cut`, dossier.latest!.cut.training],
      ...(dossier.latest!.cut.others ?? []).map(
        ({ property, training }) => [`${property}, last cut`, training] as const,
      ),
    ),
  });
}

const aim = ({ property, direction }: MeasuredProperty) =>
  `${direction === 'maximize' ? 'more' : 'less'} ${property}`;

/** The hypervolume at each cut, all from the reference point of the last one, so that rounds can be compared. */
function covered(context: ReportContext, { properties, front }: Found): Html {
  const { dossier } = context;
  const points = dossier.cuts.map((cut, i) => {
    const traded = tradedIn(cut, properties).map((own, j) => ({ ...own, reference: front.reference[j]! }));
    return {
      ...{ at: i, name: cutName(dossier, cut), size: frontMolecules(traded).length },
      volume: frontOver(traded)?.hypervolume ?? 0,
    };
  });
  const reference = properties.map(({ property }, i) => `${property} ${number(front.reference[i], 4)}`);
  return figure({
    title: 'Hypervolume of the front',
    finding: `${number(points.at(-1)!.volume, 4)} ${points.at(-1)!.name}, beyond ${reference.join(', ')}: what lies between that point and the front.`,
    chart: plot({
      ...HALF,
      alt: `Hypervolume of the front: ${points.map(({ name, volume }) => `${name} ${number(volume)}`).join(', ')}`,
      x: {
        label: 'known',
        domain: [-0.5, points.length - 0.5],
        values: points.map(({ at }) => at),
        labels: dossier.cuts.map((_, i) => String(dossier.rounds[i]?.round ?? 'end')),
      },
      y: {
        label: 'hypervolume',
        ...niceTicks(
          points.map(({ volume }) => volume),
          { zero: true },
        ),
      },
      marks: [
        {
          ...{ kind: 'line', tone: 'main', dots: true },
          points: points.map(({ at, volume, name }) => ({
            x: at,
            y: volume,
            title: `${name}: ${number(volume, 4)}`,
          })),
        },
      ],
    }),
    data: dataTable(
      'The front, cut by cut',
      [{ head: 'known' }, { head: 'molecules on it', numeric: true }, { head: 'hypervolume', numeric: true }],
      points.map(({ name, size, volume }) => [name, count(size), number(volume, 5)]),
    ),
    sources: context.sources.citeEach(
      'training table',
      dossier.cuts.map((cut) => [cutName(dossier, cut), cut.cut.training] as const),
    ),
  });
}
