import { TitrateError } from '../../contracts';
import { createRandom, deriveSeed, selectFeatureRows } from '../../foundation';
import type { FittedModel, LabelledSet } from '../../learning';
import { chooseBatch, type ChosenPick, type Surrogate } from '../choose';
import { Found } from './found';
import type { ReplayProtocol, ReplayRun, ReplayTable } from './protocol';

export interface ReplayOptions {
  readonly seed: number;
  /** Rows measured before the first cycle; drawn by the seed where they are not given. */
  readonly initial?: readonly number[];
  readonly signal?: AbortSignal;
  readonly onCycle?: (done: number, of: number) => void;
}

/** Trains what a batch is chosen by. @throws labels-insufficient when there are too few: then the batch is a random one */
export type FitSurrogate = (
  labelled: LabelledSet,
  seed: number,
  signal?: AbortSignal,
) => Promise<Surrogate & { readonly model: FittedModel }>;

const MICROSECONDS = 1e6;

/**
 * Replays a campaign on a set whose values are known: measure the first molecules, then cycle by cycle fit, choose by `chooseBatch` as
 * a campaign does, and measure. The same table, protocol and seed choose the same batches.
 * @throws usage for first molecules that the table does not have; what a fit throws; cancelled
 */
export async function replay(
  table: ReplayTable,
  protocol: ReplayProtocol,
  fit: FitSurrogate,
  { seed, initial, signal, onCycle }: ReplayOptions,
): Promise<ReplayRun> {
  const { features, values, kind } = table;
  const found = new Found(values, protocol.top, protocol.direction);
  const rowOf = new Map(features.moleculeIds.map((id, row) => [id, row]));
  const measured = initial ? [...checked(initial, table)] : drawn(table, protocol.initial, seed);
  const curve = [figures(measured, table, found)];
  const cpuSecondsPerCycle: number[] = [];

  for (let round = 1; round <= protocol.rounds; round++) {
    signal?.throwIfAborted();
    const started = process.cpuUsage();
    const picks = await cycle(table, protocol, fit, { measured, seed: deriveSeed(seed, round), signal });
    const { user, system } = process.cpuUsage(started);
    cpuSecondsPerCycle.push((user + system) / MICROSECONDS);
    measured.push(...picks.map(({ moleculeId }) => rowOf.get(moleculeId)!));
    curve.push(figures(measured, table, found));
    onCycle?.(round, protocol.rounds);
  }
  const column = <K extends keyof ReturnType<typeof figures>>(name: K) => curve.map((point) => point[name]);
  return {
    seed,
    strategy: protocol.acquisition.strategy,
    recall: column('recall'),
    enrichment: column('enrichment'),
    hits: column(kind === 'screen' ? 'actives' : 'found'),
    measured: column('measured'),
    cpuSecondsPerCycle,
  };
}

interface CycleState {
  readonly measured: readonly number[];
  readonly seed: number;
  readonly signal?: AbortSignal;
}

async function cycle(
  { features, values, kind }: ReplayTable,
  { acquisition, direction, batch }: ReplayProtocol,
  fit: FitSurrogate,
  { measured, seed, signal }: CycleState,
): Promise<ChosenPick[]> {
  const taken = new Set(measured);
  const open = [...values.keys()].filter((row) => !taken.has(row));
  const labels = measured.filter((row) => values[row] !== null);
  const labelled: LabelledSet = {
    features: selectFeatureRows(features, labels),
    task: kind === 'screen' ? 'classification' : 'regression',
    targets: Float64Array.from(labels, (row) => values[row]!),
    qualifiers: labels.map(() => '='),
    replicates: new Float64Array(labels.length).fill(1),
  };
  const surrogate = acquisition.strategy === 'random' ? null : await fitIfEnough(fit, labelled, seed, signal);
  const pool = selectFeatureRows(features, open);
  const place = new Map(pool.moleculeIds.map((id, row) => [id, row]));
  const best = labelled.targets.reduce(direction === 'maximize' ? maximum : minimum, NaN);
  try {
    return await chooseBatch({
      moleculeIds: pool.moleculeIds,
      surrogate,
      features: () => [pool],
      featuresOf: (ids) =>
        selectFeatureRows(
          pool,
          ids.map((id) => place.get(id)!),
        ),
      ...{ direction, acquisition, batchSize: batch, seed, signal },
      incumbent: labels.length ? best : null,
    });
  } finally {
    surrogate?.model.dispose();
  }
}

const maximum = (a: number, b: number) => (a >= b ? a : b);
const minimum = (a: number, b: number) => (a <= b ? a : b);

async function fitIfEnough(fit: FitSurrogate, labelled: LabelledSet, seed: number, signal?: AbortSignal) {
  try {
    return await fit(labelled, seed, signal);
  } catch (error) {
    if (error instanceof TitrateError && error.code === 'labels-insufficient') return null;
    throw error;
  }
}

function figures(measured: readonly number[], { values, features }: ReplayTable, found: Found) {
  const own = measured.map((row) => values[row]!);
  const hits = found.count(own);
  const recall = found.top === 0 ? 0 : hits / found.top;
  return {
    recall,
    enrichment: measured.length === 0 ? 0 : recall / (measured.length / features.rows),
    found: hits,
    actives: own.filter((value) => value === 1).length,
    measured: measured.length,
  };
}

const drawn = ({ features }: ReplayTable, count: number, seed: number): number[] =>
  createRandom(deriveSeed(seed, 'initial'))
    .shuffle([...Array(features.rows).keys()])
    .slice(0, count);

function checked(initial: readonly number[], { features }: ReplayTable): readonly number[] {
  const wrong = initial.find((row) => !Number.isInteger(row) || row < 0 || row >= features.rows);
  if (wrong === undefined && new Set(initial).size === initial.length) return initial;
  throw new TitrateError('usage', {
    what: wrong === undefined ? 'a row comes twice' : `row ${wrong} of ${features.rows}`,
    where: 'first molecules',
    remedy: 'Give row numbers of the file, from 0, each once',
  });
}
