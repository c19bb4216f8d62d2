import { studentQuantile } from '../foundation';
import type { Dossier, LoadedRound } from './dossier';
import type { PickOutcome } from './outcomes';
import { errorsOf, wilsonInterval } from './statistics';

/** Measured picks of one kind. Bounds say too little of a mean or an error, and are left out. */
export interface PickedValues {
  readonly n: number;
  readonly mean: number;
  /** Of what was predicted when they were picked. */
  readonly rmse: number;
  /** Within their 90 % intervals, of those that had one. */
  readonly inside: number;
  readonly withInterval: number;
  /** Wilson's 95 % interval of the share within. */
  readonly coverage95: readonly [number, number] | null;
}

/** Picks that were drawn by chance beside those that were chosen, of batches that have both. */
export interface Yardstick {
  readonly rounds: readonly {
    readonly round: number;
    readonly random: PickedValues;
    readonly chosen: PickedValues;
  }[];
  readonly random: PickedValues;
  readonly chosen: PickedValues;
  /** Mean value of the chosen less that of the random ones, with its 95 % interval by Welch; null for fewer than five of either. */
  readonly gain: { readonly difference: number; readonly interval: readonly [number, number] } | null;
}

/** Fewer say next to nothing, and the quantile is too inexact for them. */
const LEAST_COMPARED = 5;
/** Picks that somebody asked for are neither. */
const KINDS = {
  random: (strategy: string) => strategy === 'random',
  chosen: (strategy: string) => !['random', 'required'].includes(strategy),
};

interface Measured {
  readonly predicted: number;
  readonly observed: number;
  readonly interval90?: readonly [number, number];
}

const measuredOf = (outcomes: readonly PickOutcome[], kind: keyof typeof KINDS): Measured[] =>
  outcomes.flatMap(({ pick, row }) =>
    KINDS[kind](pick.strategy) && pick.predicted !== undefined && row?.qualifier === '='
      ? [
          {
            ...{ predicted: pick.predicted, observed: row.value },
            ...(pick.interval90 && { interval90: pick.interval90 }),
          },
        ]
      : [],
  );

const meanOf = (values: readonly Measured[]) =>
  values.reduce((sum, { observed }) => sum + observed / values.length, 0);

function valuesOf(measured: readonly Measured[]): PickedValues {
  const sure = measured.flatMap(({ observed, interval90 }) => (interval90 ? [{ observed, interval90 }] : []));
  const inside = sure.filter(
    ({ observed, interval90: [low, high] }) => observed >= low && observed <= high,
  ).length;
  return {
    ...{ n: measured.length, mean: meanOf(measured), rmse: errorsOf(measured).rmse },
    ...{ inside, withInterval: sure.length },
    coverage95: sure.length ? wilsonInterval(inside, sure.length) : null,
  };
}

/** Welch's interval of a difference of means. */
function gainOf(chosen: readonly Measured[], random: readonly Measured[]): Yardstick['gain'] {
  if (Math.min(chosen.length, random.length) < LEAST_COMPARED) return null;
  const spread = (values: readonly Measured[]) => {
    const mean = meanOf(values);
    const squares = values.reduce((sum, { observed }) => sum + (observed - mean) ** 2, 0);
    return squares / (values.length - 1) / values.length;
  };
  const [a, b] = [spread(chosen), spread(random)];
  const difference = meanOf(chosen) - meanOf(random);
  if (a + b === 0) return { difference, interval: [difference, difference] };
  const degrees = (a + b) ** 2 / (a ** 2 / (chosen.length - 1) + b ** 2 / (random.length - 1));
  const margin = studentQuantile(0.975, degrees) * Math.sqrt(a + b);
  return { difference, interval: [difference - margin, difference + margin] };
}

/**
 * What the share of each batch that is drawn by chance says (`acquisition.randomShare`): how far the chosen picks are ahead of chance, and how good the model
 * is on molecules that it did not choose. Null where no batch of a model has measured picks of both kinds.
 */
export function yardstickOf(
  { rounds }: Pick<Dossier, 'rounds'>,
  outcomes: ReadonlyMap<LoadedRound, readonly PickOutcome[]>,
): Yardstick | null {
  const compared = rounds
    .map((round) => ({
      round: round.round,
      random: measuredOf(outcomes.get(round)!, 'random'),
      chosen: measuredOf(outcomes.get(round)!, 'chosen'),
    }))
    .filter(({ random, chosen }) => random.length > 0 && chosen.length > 0);
  if (compared.length === 0) return null;
  const [random, chosen] = [compared.flatMap((each) => each.random), compared.flatMap((each) => each.chosen)];
  return {
    rounds: compared.map((each) => ({
      ...each,
      random: valuesOf(each.random),
      chosen: valuesOf(each.chosen),
    })),
    ...{ random: valuesOf(random), chosen: valuesOf(chosen), gain: gainOf(chosen, random) },
  };
}
