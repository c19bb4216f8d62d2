/** The comparison as Markdown. */
import type { Interval } from '../statistics';
import { bestOnOtherSeeds, labelsToReach, mean, merit, paired, pointsOf } from './figures';
import type { Scenario } from './scenarios';
import type { MethodRun } from './workspace';

export interface Compared {
  readonly scenario: Scenario;
  readonly poolSize: number;
  /** By name, peers as `peer: name`. */
  readonly runs: ReadonlyMap<string, readonly MethodRun[]>;
  /** `auto` without mishaps, of a scenario with them. */
  readonly undisturbed?: readonly MethodRun[];
}

/** Error on lipophilicity that labels are counted to. */
const WANTED_RMSE = 0.85;
const DIGITS = { recall: 3, hits: 1, rmse: 3, hypervolume: 3 } as const;

const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`;
const grid = (heading: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  line(heading) + line(heading.map(() => '---')) + rows.map(line).join('');
const signed = (value: number, digits: number) =>
  Number.isFinite(value) ? `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}` : '?';

export const verdictOf = ({ lower, upper }: Interval): string =>
  lower > 0 ? 'better' : upper < 0 ? 'worse' : 'level';

export function renderScenario(compared: Compared): string {
  const { scenario, poolSize, runs } = compared;
  const any = [...runs.values()].find((own) => own.length > 0)?.[0];
  if (!any) return '';
  const digits = DIGITS[scenario.figure];
  const points = [...any.measured.keys()];
  const cell = (own: readonly MethodRun[], point: number) => {
    const values = own.flatMap((run) => run[scenario.figure]?.[point] ?? []);
    return values.length ? mean(values).toFixed(digits) : '–';
  };
  const rows = [...runs]
    .filter(([, own]) => own.length > 0)
    .map(([name, own]) => [
      name,
      own.length,
      ...points.map((point) => cell(own, point)),
      mean(own.flatMap((run) => run.cpuSecondsPerCycle)).toFixed(2),
      ...(scenario.figure === 'rmse' ? [reached(own), curveShare(own, runs.get('random') ?? [])] : []),
    ]);
  const heading = ['method', 'seeds', ...points.map((point) => any.measured[point]!), 'CPU s a cycle'].map(
    String,
  );
  if (scenario.figure === 'rmse') heading.push(`measured for ${WANTED_RMSE}, by seed`, "curve over random's");
  return `\n## ${scenario.title}: ${scenario.figure} by molecules measured, of ${poolSize}\n\n${grid(heading, rows)}${duels(compared)}`;
}

const reached = (runs: readonly MethodRun[]) =>
  runs.map((run) => labelsToReach(run, WANTED_RMSE) ?? 'never').join(' ');

/** Mean error over all batches, over that of picking at random with the same seeds. */
function curveShare(runs: readonly MethodRun[], random: readonly MethodRun[]): string {
  const errorOf = (own: readonly MethodRun[]) =>
    mean(own.flatMap((run) => pointsOf([run]).map((point) => -merit(run, 'rmse', point))));
  const seeds = new Set(runs.map(({ seed }) => seed));
  const same = random.filter(({ seed }) => seeds.has(seed));
  return same.length === runs.length ? (errorOf(runs) / errorOf(same)).toFixed(3) : '–';
}

/** `auto` against chance, the best fixed strategy chosen on other seeds, and each peer: positive is better, whatever the figure. */
function duels({ scenario, runs, undisturbed }: Compared): string {
  const { figure } = scenario;
  const auto = runs.get('auto') ?? [];
  const fixed = new Map([...runs].filter(([name]) => name !== 'auto' && !name.startsWith('peer: ')));
  const best = bestOnOtherSeeds(fixed, figure);
  const against: [string, readonly MethodRun[]][] = [
    ['random', runs.get('random') ?? []],
    [`best fixed on other seeds (${[...new Set(best.chosen)].join(', ')})`, best.runs],
    ...[...runs].filter(([name]) => name.startsWith('peer: ')),
    ['the same without mishaps', undisturbed ?? []],
  ];
  const rows = against.flatMap(([name, theirs]) => {
    const differences = paired(auto, theirs, figure);
    if (differences.length === 0) return [];
    const texts = differences.map(
      ({ difference: { mean: centre, lower, upper } }) =>
        `${signed(centre, DIGITS[figure])} (${signed(lower, DIGITS[figure])} to ${signed(upper, DIGITS[figure])})`,
    );
    const verdicts = differences.map(({ difference }) => verdictOf(difference));
    const count = (verdict: string) => verdicts.filter((each) => each === verdict).length;
    return [[name, ...texts, `${count('better')} / ${count('level')} / ${count('worse')}`]];
  });
  if (rows.length === 0) return '';
  const points = paired(auto, auto, figure).map(({ point }) => String(auto[0]!.measured[point]));
  return `\nauto minus the other, paired by seed, 95 % interval; positive is better:\n\n${grid(['other', ...points, 'better / level / worse'], rows)}`;
}
