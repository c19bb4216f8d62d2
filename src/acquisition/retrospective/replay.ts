import { deriveSeed, selectFeatureRows } from '../../foundation';
import type { ChosenBatch } from '../acquisition';
import { chooseBatch } from '../choose';
import { firstRows, heldOutRows } from './draw';
import { fitFirst, fitFurther, severalOf, type FitSurrogate, type ReplaySurrogate, type State } from './fits';
import { Found } from './found';
import { foundIn } from '../goal';
import { columnsOf, judge, type Judgement } from './judge';
import { ReplayLab } from './lab';
import { FoundFront } from './several';
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
  const front = protocol.several ? new FoundFront(table, protocol, pool) : null;
  const lab = new ReplayLab(table, deriveSeed(seed, 'lab'), protocol.mishaps);
  const place = new Map(table.features.moleculeIds.map((id, row) => [id, row]));
  const state: State = { table, protocol, fit, pool, place, lab, signal };
  lab.measure(firstRows(pool, protocol.initial, seed, initial), 0);
  const curve = [figures(state, found, front)];
  const judged: Judgement[] = [];
  const cpuSecondsPerCycle: number[] = [];
  const decided: string[] = [];

  for (let round = 1; round <= rounds + 1; round++) {
    signal?.throwIfAborted();
    const wantsModel = round <= rounds && acquisition.strategy !== 'random';
    const seedOfRound = deriveSeed(seed, round);
    const started = process.cpuUsage();
    const surrogate = wantsModel || test.length > 0 ? await fitFirst(state, seedOfRound) : null;
    const further: (ReplaySurrogate | null)[] = [];
    let spent = wantsModel ? secondsSince(started) : 0;
    try {
      if (test.length > 0) judged.push(await judge(table, test, surrogate, lab.labelled.length, signal));
      if (round > rounds) break;
      const resumed = process.cpuUsage();
      if (wantsModel) await fitFurther(state, seedOfRound, further);
      const batch = await choose(state, wantsModel ? surrogate : null, further, round, seedOfRound);
      spent += secondsSince(resumed);
      decided.push(partsOf(batch));
      lab.measure(
        batch.picks.map(({ moleculeId }) => place.get(moleculeId)!),
        round,
      );
    } finally {
      surrogate?.model.dispose();
      for (const each of further) each?.model.dispose();
    }
    if (round === rounds) lab.settle();
    cpuSecondsPerCycle.push(spent);
    curve.push(figures(state, found, front));
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
    ...(front && { hypervolume: column('hypervolume'), frontSize: column('frontSize') }),
    ...(protocol.mishaps && { proposed: column('proposed') }),
    ...columnsOf(judged),
  };
}

async function choose(
  state: State,
  surrogate: ReplaySurrogate | null,
  further: readonly (ReplaySurrogate | null)[],
  round: number,
  seed: number,
): Promise<ChosenBatch> {
  const { table, protocol, pool, place, lab, signal } = state;
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
    ...severalOf(state, further),
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

function figures({ table: { values }, pool, lab }: State, found: Found, front: FoundFront | null) {
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
    ...(front?.of(lab.returned) ?? { hypervolume: 0, frontSize: 0 }),
    proposed: recallOf(found.count(trueValues(lab.proposed))),
  };
}
