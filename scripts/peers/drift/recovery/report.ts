/** What runs of a scenario say: differences paired by seed, with what chance leaves of them. */
import { mean, meanInterval } from '../../acquisition/figures';
import type { Interval } from '../../statistics';
import type { Stream } from './answers';
import type { Arm, CampaignRun } from './campaign';
import type { RecoveryScenario } from './scenarios';

export interface RecoveryFigures {
  readonly scenario: string;
  readonly title: string;
  readonly seeds: number;
  readonly measured: readonly number[];
  /** By arm and round. */
  readonly rmse: Readonly<Partial<Record<Arm, readonly number[]>>>;
  readonly recall: Readonly<Partial<Record<Arm, readonly number[]>>>;
  /** At the end, with the response less without it: below 0 the error is smaller with it. */
  readonly rmseDifference: Interval;
  readonly recallDifference: Interval;
  readonly changedIn: number | null;
  /** Rounds, seed by seed. */
  readonly detected: readonly (number | null)[];
  readonly causes: readonly string[];
  /** Looks of all seeds, and those that said to act. */
  readonly looks: Readonly<Record<Stream, { readonly looks: number; readonly acts: number }>>;
  /** How often each action was taken, with what became of it. */
  readonly actions: Readonly<Record<string, number>>;
}

const counted = (all: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(all)].sort().map((one) => [one, all.filter((each) => each === one).length]));

const STREAMS: readonly Stream[] = ['asked', 'returned'];

function looksOf(runs: readonly CampaignRun[], stream: Stream) {
  const own = runs.flatMap(({ looks }) => looks.filter((look) => look.stream === stream));
  return { looks: own.length, acts: own.filter(({ verdict }) => verdict === 'act').length };
}

const ARMS: readonly Arm[] = ['without', 'with'];

export function figuresOfRuns(scenario: RecoveryScenario, runs: readonly CampaignRun[]): RecoveryFigures {
  const of = (arm: Arm) => runs.filter((run) => run.arm === arm).sort((a, b) => a.seed - b.seed);
  const [without, withIt] = ARMS.map(of) as [CampaignRun[], CampaignRun[]];
  const difference = (figure: 'rmse' | 'recall') =>
    meanInterval(withIt.map((run, i) => run[figure].at(-1)! - without[i]![figure].at(-1)!));
  const curves = (figure: 'rmse' | 'recall') =>
    Object.fromEntries(
      ARMS.flatMap((arm) => {
        const own = of(arm);
        if (own.length === 0) return [];
        return [[arm, own[0]![figure].map((_, round) => mean(own.map((run) => run[figure][round]!)))]];
      }),
    );
  const from = scenario.shift?.from ?? scenario.offset?.from ?? Infinity;
  return {
    ...{ scenario: scenario.name, title: scenario.title, seeds: withIt.length },
    measured: withIt[0]!.measured,
    ...{ rmse: curves('rmse'), recall: curves('recall') },
    rmseDifference: difference('rmse'),
    recallDifference: difference('recall'),
    changedIn: Number.isFinite(from) ? from : null,
    detected: withIt.map((run) => run.detected),
    looks: { asked: looksOf(withIt, 'asked'), returned: looksOf(withIt, 'returned') },
    causes: [...new Set(withIt.flatMap((run) => run.causes))],
    actions: counted(
      withIt.flatMap((run) =>
        run.actions.map(({ action, effect, cause }) => `${action} (${cause}): ${effect}`),
      ),
    ),
  };
}

const short = (value: number) => String(Number(value.toPrecision(3)));
const interval = ({ mean: centre, lower, upper }: Interval) =>
  `${short(centre)} (${short(lower)} to ${short(upper)})`;
const last = (curve: readonly number[] | undefined) => (curve ? short(curve.at(-1)!) : '');

export function renderRecovery(all: readonly RecoveryFigures[]): string {
  const head = [
    'campaign',
    ...['RMSE without', 'with', 'difference'],
    ...['recall without', 'with', 'difference'],
    ...['changed, detected in round', 'looks at what was asked, returned (acts)', 'actions'],
  ];
  const rows = all.map((each) => [
    each.title,
    ...[last(each.rmse.without), last(each.rmse.with), interval(each.rmseDifference)],
    ...[last(each.recall.without), last(each.recall.with)],
    interval(each.recallDifference),
    `${each.changedIn ?? 'never'}; ${each.detected.map((round) => round ?? '–').join(' ')}`,
    STREAMS.map((stream) => `${each.looks[stream].looks} (${each.looks[stream].acts})`).join(', '),
    Object.entries(each.actions)
      .map(([action, times]) => `${times} x ${action}`)
      .join(', ') || 'none',
  ]);
  return `${[head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`;
}
