import { TitrateError } from '../../contracts';
import { deriveSeed, selectFeatureRows } from '../../foundation';
import type { FittedModel, LabelledSet } from '../../learning';
import type { ChosenBatch, Surrogate } from '../acquisition';
import { chooseBatch } from '../choose';
import { firstRows, heldOutRows } from './draw';
import type { HeldOutFigures } from './evidence';
import { Found } from './found';
import { foundIn } from '../goal';
import { columnsOf, judge, type Judgement } from './judge';
import { ReplayLab } from './lab';
import type { ReplayProtocol, ReplayRun, ReplayTable } from './protocol';

export interface ReplayOptions {
  readonly seed: number;
  /** Rows measured before the first cycle; drawn by the seed where they are not given. */
  readonly initial?: readonly number[];
  /** Rows that the model is judged on; drawn by the seed where they are not given and the protocol wants some. */
  readonly heldOut?: readonly number[];
  readonly signal?: AbortSignal;
  readonly onCycle?: (done: number, of: number) => void;
}

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

const MICROSECONDS = 1e6;

/**
 * Replays a campaign on a set whose values are known: measure the first molecules, then cycle by cycle fit, choose by `chooseBatch` as
 * a campaign does, and measure. The same table, protocol and seed choose the same batches.
 * @throws usage for first or held-out molecules that the table does not have; what a fit throws; cancelled
 */
export async function replay(
  table: ReplayTable,
  protocol: ReplayProtocol,
  fit: FitSurrogate,
  { seed, initial, heldOut, signal, onCycle }: ReplayOptions,
): Promise<ReplayRun> {
  const { acquisition, rounds, direction, top } = protocol;
  const test = heldOutRows(table, protocol.test, seed, initial, heldOut);
  const hidden = new Set(test);
  const pool = [...table.values.keys()].filter((row) => !hidden.has(row));
  const found = new Found(
    pool.map((row) => table.values[row]!),
    top,
    direction,
  );
  const lab = new ReplayLab(table, deriveSeed(seed, 'lab'), protocol.mishaps);
  const place = new Map(table.features.moleculeIds.map((id, row) => [id, row]));
  const state: State = { table, protocol, fit, pool, place, lab, signal };
  lab.measure(firstRows(pool, protocol.initial, seed, initial), 0);
  const curve = [figures(state, found)];
  const judged: Judgement[] = [];
  const cpuSecondsPerCycle: number[] = [];
  const decided: string[] = [];

  for (let round = 1; round <= rounds + 1; round++) {
    signal?.throwIfAborted();
    const wantsModel = round <= rounds && acquisition.strategy !== 'random';
    const seedOfRound = deriveSeed(seed, round);
    const started = process.cpuUsage();
    const surrogate = wantsModel || test.length > 0 ? await fitIfPossible(state, seedOfRound) : null;
    let spent = wantsModel ? secondsSince(started) : 0;
    try {
      if (test.length > 0) judged.push(await judge(table, test, surrogate, lab.labelled.length, signal));
      if (round > rounds) break;
      const resumed = process.cpuUsage();
      const batch = await choose(state, wantsModel ? surrogate : null, round, seedOfRound);
      spent += secondsSince(resumed);
      decided.push(partsOf(batch));
      lab.measure(
        batch.picks.map(({ moleculeId }) => place.get(moleculeId)!),
        round,
      );
    } finally {
      surrogate?.model.dispose();
    }
    if (round === rounds) lab.settle();
    cpuSecondsPerCycle.push(spent);
    curve.push(figures(state, found));
    onCycle?.(round, rounds);
  }
  const column = <K extends keyof ReturnType<typeof figures>>(name: K) => curve.map((point) => point[name]);
  return {
    seed,
    strategy: acquisition.strategy,
    recall: column('recall'),
    enrichment: column('enrichment'),
    hits: column(table.kind === 'screen' ? 'actives' : 'found'),
    measured: column('measured'),
    labels: column('labels'),
    cpuSecondsPerCycle,
    ...(acquisition.strategy === 'auto' && { decided }),
    ...(protocol.mishaps && { proposed: column('proposed') }),
    ...columnsOf(judged),
  };
}

interface State {
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

/** Null where there are too few labels, or all are alike: a model of them has nothing to say. */
async function fitIfPossible(
  { table, lab, fit, signal }: State,
  seed: number,
): Promise<ReplaySurrogate | null> {
  const rows = lab.labelled;
  const targets = Float64Array.from(rows, (row) => lab.valueOf(row));
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

async function choose(
  { table, protocol, pool, place, lab, signal }: State,
  surrogate: ReplaySurrogate | null,
  round: number,
  seed: number,
): Promise<ChosenBatch> {
  const { features } = table;
  const { direction, goal, acquisition, batch: batchSize, rounds } = protocol;
  const idsOf = (rows: readonly number[]) => rows.map((row) => features.moleculeIds[row]!);
  const values = lab.labelled.map((row) => lab.valueOf(row));
  const found = foundIn(values, goal, direction);
  return chooseBatch({
    moleculeIds: idsOf(pool.filter((row) => lab.isOpen(row))),
    surrogate,
    features: () => [features],
    featuresOf: (ids) =>
      selectFeatureRows(
        features,
        ids.map((id) => place.get(id)!),
      ),
    ...{ direction, goal, acquisition, batchSize, seed, signal },
    measured: idsOf([...lab.labelled, ...lab.failed]),
    pending: idsOf(lab.pending),
    incumbent: found.best ?? null,
    evidence: {
      labels: values.length,
      round,
      roundsLeft: rounds - round,
      ...(surrogate?.heldOut && { heldOut: surrogate.heldOut }),
      found,
    },
  });
}

const secondsSince = (started: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / MICROSECONDS;
};

const partsOf = ({ decision }: ChosenBatch): string =>
  decision.parts.map(({ strategy }) => strategy).join('+');

function figures({ table: { values }, pool, lab }: State, found: Found) {
  const trueValues = (rows: readonly number[]) => rows.map((row) => values[row]!);
  const own = trueValues(lab.labelled);
  const hits = found.count(own);
  const recallOf = (count: number) => (found.top === 0 ? 0 : count / found.top);
  const recall = recallOf(hits);
  return {
    recall,
    enrichment: lab.measured === 0 ? 0 : recall / (lab.measured / pool.length),
    found: hits,
    actives: own.filter((value) => value === 1).length,
    measured: lab.measured,
    labels: own.length,
    proposed: recallOf(found.count(trueValues(lab.proposed))),
  };
}
