import type {
  CampaignConfig,
  GateVerdict,
  ModelVersion,
  RolloutStatus,
  RoundSummary,
} from '../src/contracts';

/** What the next execution has to know. */
export interface RolloutProgress {
  readonly gates: readonly GateVerdict[];
  readonly stable: string | null;
  /** Index of the step that is under way, and since when, milliseconds since 1970; `steps.length` waits for approval. */
  readonly step: number;
  readonly since: number;
  /** Whether something was on trial. Executions that continued before this was written down say nothing: something was. */
  readonly tried?: boolean;
  /** What the query answers, and what the outcome will tell besides. */
  readonly desk?: DeskRecord;
  /** Executions that continued earlier wrote down these alone. */
  readonly events?: RolloutStatus['events'];
}

export interface DeskRecord {
  readonly status: RolloutStatus;
  readonly notes: readonly string[];
}

export interface RolloutInput {
  readonly campaignId: string;
  readonly round: number;
  readonly version: ModelVersion;
  readonly limits: CampaignConfig['rollout'];
  /** Told how it ended, when it is still there to be told. */
  readonly notify: string | null;
  /** A person asked for it, and not a round: told to whoever waits for it, and kept in the moves of `production`. */
  readonly asked?: { readonly by: string; readonly reason: string; readonly operationId: string };
  /** Of a model that was trained beside the rounds: its operations are not its round's. */
  readonly answering?: string;
  /** Of the execution before this one. */
  readonly progress?: RolloutProgress;
}

export type RolloutOutput = NonNullable<RoundSummary['deployment']>;
