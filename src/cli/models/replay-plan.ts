import {
  replay,
  sizeOf,
  type FitSurrogate,
  type Mishaps,
  type ReplayProtocol,
  type ReplayRun,
  type ReplayTable,
  type SeveralProperties,
} from '../../acquisition';
import {
  campaignConfigSchema,
  PARETO_STRATEGIES,
  TitrateError,
  type CampaignConfig,
  type Goal,
  type Strategy,
} from '../../contracts';
import type { ReplayFile } from './replay-file';
import type { SurrogateFamily } from './replay-surrogate';
import type { TrainingProgress } from './train-model';

export interface ReplayPlan {
  readonly direction: ReplayProtocol['direction'];
  /** Further properties, as the table has them. */
  readonly several?: SeveralProperties;
  /** Default: `pareto` with further properties, `learn` with held-out molecules, of a screen `actives`, else `best`. */
  readonly goal?: Goal;
  /** Of goal `actives`; of a screen it is known. */
  readonly threshold?: number;
  readonly range?: { readonly from: number; readonly to: number };
  /** Shares of the pool below 1, or numbers of molecules. */
  readonly initial: number;
  readonly batch: number;
  readonly rounds: number;
  readonly top: number;
  readonly strategies: readonly Strategy[];
  readonly batching?: CampaignConfig['acquisition']['batching'];
  readonly kappa?: number;
  readonly randomShare?: number;
  readonly seeds: readonly number[];
  /** Held out to judge the model on: a share of all below 1, or a number of molecules. */
  readonly test?: number;
  readonly mishaps?: Mishaps;
  /** Rows of the file to begin with, and to judge on, by seed. */
  readonly first?: Readonly<Record<string, readonly number[]>>;
  readonly heldOut?: Readonly<Record<string, readonly number[]>>;
}

export interface Retrospective {
  readonly dataset: string;
  /** Candidates; held-out molecules are none. */
  readonly poolSize: number;
  readonly protocol: Omit<ReplayProtocol, 'acquisition'> & {
    readonly kind: ReplayTable['kind'];
    readonly family: SurrogateFamily;
    readonly features: string;
    readonly unlabelledCostsBudget: boolean;
  };
  readonly runs: readonly ReplayRun[];
}

/** Between 0 and 1, so that rounding in the model decides nothing. */
const ACTIVE_FROM = 0.5;

/** Every strategy with every seed, one after the other. @throws as `replay`; usage for a seed without the molecules named for it */
export async function replayFile(
  file: Pick<ReplayFile, 'table' | 'rowNumbers'>,
  plan: ReplayPlan,
  fit: FitSurrogate,
  parts: { readonly signal?: AbortSignal; readonly onProgress?: TrainingProgress },
): Promise<{ poolSize: number; protocol: Omit<ReplayProtocol, 'acquisition'>; runs: ReplayRun[] }> {
  const { table, rowNumbers } = file;
  const { direction, rounds, top, seeds, mishaps, several } = plan;
  const test = heldOutCount(plan, table);
  const poolSize = table.features.rows - test;
  const protocol = {
    ...{ direction, goal: goalOf(plan, table.kind), rounds, top, test },
    initial: sizeOf(plan.initial, poolSize, '--init'),
    batch: sizeOf(plan.batch, poolSize, '--batch'),
    ...(mishaps && { mishaps }),
    ...(several && { several }),
  };
  checkStrategies(plan, protocol.goal);
  const candidateOf = new Map(rowNumbers.map((row, candidate) => [row, candidate]));
  const named = (rows: ReplayPlan['first'], seed: number, option: string) =>
    rows && candidatesOf(rows, seed, candidateOf, option);
  const cycles = plan.strategies.length * seeds.length * rounds;
  const runs: ReplayRun[] = [];
  for (const strategy of plan.strategies) {
    for (const seed of seeds) {
      const before = runs.length * rounds;
      runs.push(
        await replay(table, { ...protocol, acquisition: acquisitionOf(plan, strategy) }, fit, {
          seed,
          initial: named(plan.first, seed, '--initial'),
          heldOut: named(plan.heldOut, seed, '--held-out'),
          signal: parts.signal,
          onCycle: (done) => parts.onProgress?.('replaying', before + done, cycles),
        }),
      );
    }
  }
  return { poolSize, protocol, runs };
}

/** Rows given by number are as many for every seed: pools are of one size. @throws usage */
function heldOutCount({ test, heldOut, seeds }: ReplayPlan, { features }: ReplayTable): number {
  if (!heldOut) return test === undefined ? 0 : sizeOf(test, features.rows, '--test');
  const counts = new Set(seeds.map((seed) => heldOut[String(seed)]?.length ?? 0));
  const [count] = counts;
  if (counts.size === 1 && count! < features.rows) return count!;
  throw new TitrateError('usage', {
    what: `${[...counts].join(' or ')} of ${features.rows} molecules, by seed`,
    where: '--held-out',
    remedy: 'Hold out as many for every seed, and not all of them',
  });
}

function goalOf(plan: ReplayPlan, kind: ReplayTable['kind']): ReplayProtocol['goal'] {
  const { goal, threshold, range, several } = plan;
  const wanted = goal ?? usualGoal(plan, kind);
  const missing = (option: string) =>
    new TitrateError('usage', { what: `objective '${wanted}' needs it`, where: option });
  switch (wanted) {
    case 'actives': {
      const from = threshold ?? (kind === 'screen' ? ACTIVE_FROM : undefined);
      if (from === undefined) throw missing('--threshold');
      return { kind: wanted, threshold: from };
    }
    case 'range':
      if (!range) throw missing('--range');
      return { kind: wanted, ...range };
    case 'pareto':
      if (!several) throw missing('--also');
      return { kind: wanted };
    default:
      return { kind: wanted };
  }
}

function usualGoal({ several, test, heldOut }: ReplayPlan, kind: ReplayTable['kind']): Goal {
  if (several) return 'pareto';
  if (test !== undefined || heldOut) return 'learn';
  return kind === 'screen' ? 'actives' : 'best';
}

/** @throws usage for a strategy that the goal does not have */
function checkStrategies({ strategies }: ReplayPlan, { kind }: ReplayProtocol['goal']): void {
  const offered: readonly Strategy[] = PARETO_STRATEGIES;
  const wrong = strategies.find((name) => (kind === 'pareto' ? !offered.includes(name) : name === 'ehvi'));
  if (wrong === undefined) return;
  throw new TitrateError('usage', {
    what: `'${wrong}' does not go with objective '${kind}'`,
    where: '--strategy',
    remedy: `Objective 'pareto' has ${offered.join(', ')}, the others all but ehvi`,
  });
}

function candidatesOf(
  named: Readonly<Record<string, readonly number[]>>,
  seed: number,
  candidateOf: ReadonlyMap<number, number>,
  option: string,
): number[] {
  const rows = named[String(seed)];
  const wrong = rows?.find((row) => !candidateOf.has(row));
  if (rows && wrong === undefined) return rows.map((row) => candidateOf.get(row)!);
  throw new TitrateError('usage', {
    what: rows ? `row ${wrong} of the file is no candidate` : `no molecules for seed ${seed}`,
    where: option,
    remedy: rows
      ? 'Give row numbers from 0, of rows that can be read; rows without a value count with --unlabelled-costs-budget'
      : `Give a JSON object { "${seed}": [row numbers] }`,
  });
}

function acquisitionOf(
  { batching, kappa, randomShare }: ReplayPlan,
  strategy: Strategy,
): CampaignConfig['acquisition'] {
  return campaignConfigSchema.shape.acquisition.parse({
    strategy,
    ...(batching !== undefined && { batching }),
    ...(kappa !== undefined && { kappa }),
    ...(randomShare !== undefined && { randomShare }),
  });
}
