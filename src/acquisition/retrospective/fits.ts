import { TitrateError } from '../../contracts';
import { deriveSeed, selectFeatureRows } from '../../foundation';
import type { FittedModel, LabelledSet } from '../../learning';
import type { ChooseRequest, FurtherObjective, Surrogate } from '../acquisition';
import type { HeldOutFigures } from './evidence';
import type { ReplayLab } from './lab';
import type { ReplayProtocol, ReplayTable } from './protocol';

/** A trained model with what a campaign's evaluation would say of it. */
export type ReplaySurrogate = Surrogate & {
  readonly model: FittedModel;
  readonly heldOut?: HeldOutFigures;
};

/** Trains what a batch is chosen by. @throws labels-insufficient when there are too few: then there is no model */
export type FitSurrogate = (
  labelled: LabelledSet,
  seed: number,
  signal?: AbortSignal,
) => Promise<ReplaySurrogate>;

/** A replay as it goes. */
export interface State {
  readonly table: ReplayTable;
  readonly protocol: ReplayProtocol;
  readonly fit: FitSurrogate;
  /** Rows that are not held out. */
  readonly pool: readonly number[];
  /** Row by molecule. */
  readonly place: ReadonlyMap<string, number>;
  readonly lab: ReplayLab;
  readonly signal?: AbortSignal;
}

/** The model of the first property. */
export const fitFirst = (state: State, seed: number): Promise<ReplaySurrogate | null> => {
  const rows = state.lab.labelled;
  const targets = Float64Array.from(rows, (row) => state.lab.valueOf(row));
  return fitIfPossible(state, rows, targets, seed);
};

/** Models of the further properties, where batches go by them, one after the other into `fitted`: the caller disposes them. */
export async function fitFurther(
  state: State,
  seed: number,
  fitted: (ReplaySurrogate | null)[],
): Promise<void> {
  const { table, lab, protocol } = state;
  if (protocol.goal.kind !== 'pareto') return;
  for (const { property, values } of table.others ?? []) {
    const rows = lab.returned.filter((row) => values[row] !== null);
    const targets = Float64Array.from(rows, (row) => values[row]!);
    fitted.push(await fitIfPossible(state, rows, targets, deriveSeed(seed, property)));
  }
}

/** What of the request further properties add. */
export function severalOf(
  { table, lab, protocol }: State,
  further: readonly (ReplaySurrogate | null)[],
): Partial<ChooseRequest> {
  const { several, goal } = protocol;
  if (!several || goal.kind !== 'pareto') return {};
  const idOf = (row: number) => table.features.moleculeIds[row]!;
  const known = (rows: readonly number[], valueOf: (row: number) => number | null) =>
    new Map(
      rows.flatMap((row) => {
        const value = valueOf(row);
        return value === null ? [] : [[idOf(row), value] as const];
      }),
    );
  const { property, reference, others } = several;
  return {
    ...{ property, values: known(lab.labelled, (row) => lab.valueOf(row)) },
    ...(reference !== undefined && { reference }),
    others: others.map((other, i): FurtherObjective => {
      const surrogate = further[i] ?? null;
      const values = known(lab.returned, (row) => table.others![i]!.values[row]!);
      return { ...other, surrogate, values, ...(surrogate?.heldOut && { heldOut: surrogate.heldOut }) };
    }),
  };
}

/** Null where there are too few labels, or all are alike: a model of them has nothing to say. */
async function fitIfPossible(
  { table, fit, signal }: State,
  rows: readonly number[],
  targets: Float64Array,
  seed: number,
): Promise<ReplaySurrogate | null> {
  if (targets.every((target) => target === targets[0])) return null;
  const labelled: LabelledSet = {
    features: selectFeatureRows(table.features, rows),
    targets,
    qualifiers: rows.map(() => '='),
    replicates: new Float64Array(rows.length).fill(1),
  };
  try {
    return await fit(labelled, seed, signal);
  } catch (error) {
    if (error instanceof TitrateError && error.code === 'labels-insufficient') return null;
    throw error;
  }
}
