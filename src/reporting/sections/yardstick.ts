import { signOf, withUnit, type ReportContext } from '../context';
import { figure, table } from '../elements';
import { count, number, percent, plural } from '../format';
import { markup, type Html } from '../html';
import { yardstickOf, type PickedValues, type Yardstick } from '../yardstick';

const COLUMNS = ['by chance', 'mean', 'RMSE', '90 % covers', 'chosen', 'mean', 'RMSE', '90 % covers'];

const covers = ({ inside, withInterval }: PickedValues) =>
  withInterval ? percent(inside / withInterval) : '–';
const cells = (values: PickedValues) => [
  ...[count(values.n), number(values.mean, 4), number(values.rmse), covers(values)],
];

function aheadOfChance({ gain, random, chosen }: Yardstick, { objective }: ReportContext): string {
  const means = `${plural(chosen.n, 'chosen pick')}: ${withUnit(chosen.mean, objective)} on average; ${count(random.n)} drawn by chance beside them: ${withUnit(random.mean, objective)}.`;
  if (!gain) return means;
  const [low, high] = gain.interval;
  const sign = signOf(objective);
  const words =
    low <= 0 && high >= 0
      ? 'That difference may be chance'
      : sign * gain.difference > 0
        ? 'The choice is ahead of chance'
        : 'The choice is behind chance';
  return `${means} ${words}: ${number(gain.difference, 3)} (95 % interval ${number(low, 3)} to ${number(high, 3)}).`;
}

/** By how much the choice is ahead of chance, and how good the model is where it did not choose: what the random share of the batches is for. */
export function yardstick(context: ReportContext): Html {
  const found = yardstickOf(context.dossier, context.outcomes);
  if (!found) return markup``;
  const { random, rounds, chosen } = found;
  const calibrated = random.coverage95
    ? ` Of the molecules that chance drew, which are like the pool, ${covers(random)} lie inside their 90 % interval (95 % interval ${percent(random.coverage95[0])} to ${percent(random.coverage95[1])}), RMSE ${number(random.rmse)}.`
    : '';
  const used = context.dossier.rounds.filter(({ round }) => rounds.some((each) => each.round === round));
  return figure({
    wide: true,
    title: 'Beside chance',
    finding: `${aheadOfChance(found, context)}${calibrated}`,
    chart: table(
      'Picks drawn by chance beside those that were chosen',
      ['round', ...COLUMNS].map((head) => ({ head, numeric: true })),
      [
        ...rounds.map((each) => [String(each.round), ...cells(each.random), ...cells(each.chosen)]),
        ['all', ...cells(random), ...cells(chosen)],
      ],
    ),
    sources: context.sources.citeEach(
      'sheet',
      used.map((round) => [`round ${round.round}`, round.record.sheet] as const),
      ['training table, last cut', context.dossier.latest?.cut.training],
    ),
  });
}
