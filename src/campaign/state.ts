import type {
  ArtifactRef,
  BatchSheet,
  CampaignConfig,
  CampaignEvent,
  CampaignHistory,
  CampaignStage,
  CampaignStatus,
  CurrentBatch,
  Cut,
  ModelVersion,
  Receipt,
  RoundSummary,
  RuntimePin,
  StopReason,
} from '../contracts';
import { controlsAt, type DriftState } from './drift';
import type { Clocks } from './clocks';
import { aimWords, frontWords } from './front';

/** The pool as a campaign carries it; the manifest stays in the warehouse. */
export interface Pool {
  readonly dataVersion: string;
  readonly molecules: number;
  readonly shards: ArtifactRef;
  readonly shardCount: number;
}

export interface OpenBatch {
  readonly batchId: string;
  readonly sheet: ArtifactRef;
  readonly inline: BatchSheet | null;
  readonly size: number;
  readonly outstanding: number;
  readonly approved: boolean;
  /** When the next round starts with what is back, ms since the epoch; null until the batch is approved. */
  readonly closesAt: number | null;
}

/** Posted rows that are not in the warehouse yet: inline, or an NDJSON artifact from `offset` on. */
export type IntakeItem =
  | { readonly kind: 'rows'; readonly ticket: number | null; readonly rows: readonly unknown[] }
  | {
      readonly kind: 'file';
      readonly ticket: number | null;
      readonly ref: ArtifactRef | string;
      readonly rows: ArtifactRef | null;
      readonly offset: number;
      readonly count: number;
    };

/** Everything a campaign knows, as it is carried from one execution to the next. Small: data are references. */
export interface CampaignState {
  readonly version: 1;
  readonly campaignId: string;
  readonly config: CampaignConfig;
  readonly stage: CampaignStage;
  /** The round in work: 1 from the first batch on. */
  readonly round: number;
  readonly pool: Pool | null;
  /** Number of the data branch in force; absent while the data were never moved. */
  readonly dataBranch?: number;
  readonly batch: OpenBatch | null;
  readonly model: ModelVersion | null;
  /** What rollbackModel left in production, by its last move; absent while it was never asked for. */
  readonly production?: { readonly version: string; readonly held: boolean; readonly move: number };
  /** Where the last round was computed: other bits may come from elsewhere, so a change is told. */
  readonly runtime: RuntimePin | null;
  readonly lastCut: Pick<Cut, 'labels' | 'best' | 'failed' | 'abandoned' | 'censored' | 'front'> | null;
  readonly assays: number;
  /** Money that the batches so far cost; absent where batches have no prices. */
  readonly spent?: number;
  readonly intake: CampaignStatus['intake'];
  readonly buffer: readonly IntakeItem[];
  readonly rounds: readonly RoundSummary[];
  readonly events: readonly CampaignEvent[];
  readonly paused: boolean;
  readonly stopRequested: boolean;
  readonly stopReason: StopReason | null;
  /** The numbers behind it, in plain words; absent before it ends, and of campaigns from before this was told. */
  readonly stopWhy?: string;
  /** Rounds whose rollout was started, and how those that ended did. */
  readonly rollouts: readonly number[];
  readonly deployments: Readonly<Record<number, RoundSummary['deployment']>>;
  readonly message: string;
  /** Absent of campaigns from before they were kept. */
  readonly clocks?: Clocks;
  /** Absent until something is done about drift. */
  readonly drift?: DriftState;
}

/** Rounds and events kept in the workflow; the campaign log keeps all of them. */
const KEPT_ROUNDS = 100;
const KEPT_EVENTS = 100;

export function initialState(campaignId: string, config: CampaignConfig): CampaignState {
  return {
    version: 1,
    campaignId,
    config,
    stage: 'starting',
    round: 1,
    pool: null,
    batch: null,
    model: null,
    runtime: null,
    lastCut: null,
    assays: 0,
    intake: { received: 0, accepted: 0, duplicates: 0, rejected: 0 },
    buffer: [],
    rounds: [],
    events: [],
    paused: false,
    stopRequested: false,
    stopReason: null,
    rollouts: [],
    deployments: {},
    message: 'starting',
  };
}

export function addEvent(state: CampaignState, event: CampaignEvent): CampaignState {
  return { ...state, events: [...state.events, event].slice(-KEPT_EVENTS) };
}

export function addRound(state: CampaignState, summary: RoundSummary): CampaignState {
  return { ...state, rounds: [...state.rounds, summary].slice(-KEPT_ROUNDS) };
}

export function setDeployment(
  state: CampaignState,
  round: number,
  deployment: RoundSummary['deployment'],
): CampaignState {
  const kept = Object.entries({ ...state.deployments, [round]: deployment }).slice(-KEPT_ROUNDS);
  return { ...state, deployments: Object.fromEntries(kept) };
}

/** Whether a rollout is still under way. */
export function rollingOut(state: CampaignState): boolean {
  return state.rollouts.some((round) => !(round in state.deployments));
}

/** What changed between two runtimes, in words; null when nothing did. */
export function runtimeChange(before: RuntimePin | null, now: RuntimePin): string | null {
  if (!before) return null;
  const changed = (Object.keys(now).sort() as (keyof RuntimePin)[]).filter((key) => before[key] !== now[key]);
  return changed.length ? changed.map((key) => `${key} ${before[key]} → ${now[key]}`).join(', ') : null;
}

/** Counts what became of posted rows. */
export function countReceipts(
  state: CampaignState,
  receipts: readonly Pick<Receipt, 'status'>[],
): CampaignState {
  const count = (status: Receipt['status']) => receipts.filter((receipt) => receipt.status === status).length;
  const { intake } = state;
  return {
    ...state,
    intake: {
      received: intake.received + receipts.length,
      accepted: intake.accepted + count('accepted'),
      duplicates: intake.duplicates + count('duplicate'),
      rejected: intake.rejected + count('rejected'),
    },
  };
}

/** Whether enough of the open batch is back for the next round. */
export function batchReturned(state: CampaignState): boolean {
  const { batch, config } = state;
  if (!batch) return true;
  const back = batch.size - batch.outstanding;
  return back >= Math.ceil(config.lab.minimumReturned * batch.size - 1e-9);
}

/** Size of the batch of the coming round: the configured one, cut to what the budget of measurements still allows. */
export function nextBatchSize(state: CampaignState): number {
  const { acquisition, budget } = state.config;
  const wanted =
    state.round === 1 ? (acquisition.initialSize ?? acquisition.batchSize) : acquisition.batchSize;
  return budget.measurements === undefined
    ? wanted
    : Math.max(0, Math.min(wanted, budget.measurements - state.assays));
}

export function statusOf(state: CampaignState): CampaignStatus {
  return {
    campaignId: state.campaignId,
    title: state.config.title ?? state.config.objective.property,
    stage: state.paused ? 'paused' : state.stage,
    round: state.round,
    rounds: state.config.budget.rounds,
    poolSize: state.pool?.molecules ?? 0,
    dataVersion: state.pool?.dataVersion ?? null,
    dataBranch: state.dataBranch ?? null,
    labels: state.lastCut?.labels ?? 0,
    best: state.lastCut?.best?.value ?? null,
    ...(state.config.objective.others && { front: state.lastCut?.front ?? null }),
    modelVersion: state.model?.id ?? null,
    heldModel: state.production?.held ? state.production.version : null,
    batchId: state.batch?.batchId ?? null,
    batchSize: state.batch?.size ?? 0,
    outstanding: state.batch?.outstanding ?? 0,
    intake: state.intake,
    stopReason: state.stopReason,
    stopWhy: state.stopWhy ?? null,
    message: state.message,
  };
}

export function currentBatchOf(state: CampaignState): CurrentBatch {
  const { batch } = state;
  if (!batch) return { batchId: null, sheet: null, ref: null, approved: false };
  const { batchId, inline, sheet, approved } = batch;
  const controls = state.drift && controlsAt(state.drift, state.round);
  return { batchId, sheet: inline, ref: sheet, approved, ...(controls && { controls }) };
}

export function historyOf(state: CampaignState): CampaignHistory {
  const rounds = state.rounds.map((summary) => ({
    ...summary,
    deployment: state.deployments[summary.round] ?? summary.deployment,
  }));
  return { rounds, events: state.events };
}

const FAMILY = {
  'gaussian-process': 'GP',
  'mlp-ensemble': 'ensemble',
  'message-passing-ensemble': 'message-passing ensemble',
  'random-forest': 'forest',
  stack: 'stack',
} as const;
const short = (value: number) => String(Number(value.toPrecision(4)));

function logLine(round: RoundSummary): string {
  const model = round.family
    ? `${FAMILY[round.family]} ${round.modelVersion?.split('/').at(-1)}, held-out RMSE ${short(round.metrics!.rmse)}`
    : 'too few labels for a model';
  const batch = round.batchId
    ? `batch of ${round.batchSize}${round.chosenBy ? ` by ${round.chosenBy.strategy}` : ''}, seal ${round.seal!.slice(0, 8)}`
    : 'last training';
  const value = round.best === null ? '' : `, best ${short(round.best)}`;
  const best = round.front === undefined ? value : `, ${frontWords(round.front)}`;
  return `- **round ${round.round}**: ${round.labels} labels${best}; ${model}; ${batch}`;
}

/** The Web UI's details of a campaign, in Markdown: where it stands, round by round. */
export function logbook(state: CampaignState): string {
  const { objective, title } = state.config;
  return [
    `**${title ?? state.campaignId}**: ${aimWords(objective)}, pool of ${state.pool?.molecules ?? '?'} molecules`,
    '',
    `${state.paused ? 'Paused. ' : ''}${state.message}`,
    '',
    ...state.rounds.map(logLine),
  ].join('\n');
}
