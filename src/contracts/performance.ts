/** One kind of activity in one kind of workflow of a round, added up from what the server recorded of each. */
export interface ActivityWork {
  /** Type of the workflow that asked for it, e.g. `exploration`. */
  readonly workflow: string;
  readonly activity: string;
  readonly queue: string;
  readonly count: number;
  /** From being put into the queue to being started, of those that were started once; seconds. */
  readonly waitedSeconds: number;
  /** From the start of the last attempt to its end; seconds. */
  readonly ranSeconds: number;
  /** Attempts beyond the first. */
  readonly retries: number;
  /** From being put into the queue to the start of the last attempt, of those that were started more than once; seconds. */
  readonly lostSeconds: number;
  readonly failed: number;
  /** Those that were steps, and those of them whose output was on record already. */
  readonly steps: number;
  readonly cached: number;
  /** Seconds of the steps that were computed, as measured where they ran. */
  readonly computedSeconds: number;
}

/** One task queue during a round. Only this campaign's activities are seen. */
export interface QueueWork {
  readonly queue: string;
  readonly activities: number;
  readonly waitedSeconds: number;
  readonly ranSeconds: number;
  /** Time in which at least one ran; seconds. */
  readonly busySeconds: number;
  /** Time in which some waited while others of this campaign ran: there were too few slots; seconds. */
  readonly blockedSeconds: number;
  /** Time in which some waited and none of this campaign ran: no worker was there, or others had it; seconds. */
  readonly unattendedSeconds: number;
  /** From the first start to the last end; seconds. */
  readonly spanSeconds: number;
  readonly mostAtOnce: number;
  readonly mostWaiting: number;
  /** Different processes that ran them. */
  readonly workers: number;
}

/** What the Temporal server recorded of a round's work, kept with the campaign: the server forgets it after its retention. */
export interface RoundWork {
  readonly round: number;
  /** ISO 8601. Of the first round from the beginning of its ingestion, else of its cycle. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly activities: readonly ActivityWork[];
  readonly queues: readonly QueueWork[];
  /** Rows that the lab had posted until then, over the whole campaign; null where the campaign was not there to be asked. */
  readonly intake: {
    readonly received: number;
    readonly accepted: number;
    readonly duplicates: number;
    readonly rejected: number;
  } | null;
}

/**
 * What a gain is a part of: the campaign's whole duration, the time that its rounds took from results to batch, seconds of work (summed over
 * what ran side by side), money, or results of the lab.
 */
export type GainKind = 'elapsed' | 'rounds' | 'work' | 'money' | 'labels';

/** Something to change, the figure that speaks for it, and what it would have saved at most. */
export interface PerformanceSuggestion {
  /** Name of the rule, e.g. `queue-slots`. */
  readonly rule: string;
  /** What to do, naming the key of the configuration. */
  readonly suggestion: string;
  /** What was seen. */
  readonly figure: string;
  readonly gain: {
    readonly kind: GainKind;
    readonly amount: number;
    readonly unit: 's' | 'USD' | 'results';
    /** Of all there was of its kind, 0 to 1. */
    readonly share: number;
  };
}

/** One stage over the whole campaign. Seconds of work: sums over what ran side by side. */
export interface StagePerformance {
  readonly stage: string;
  readonly seconds: number;
  readonly share: number;
  /** Rounds in which it ran, and those of them in which all of it was on record already. */
  readonly rounds: number;
  readonly cachedRounds: number;
  /** CPU-seconds of one core that the capacity model expects; null where it says nothing of the stage. */
  readonly forecastSeconds: number | null;
  readonly ratioToForecast: number | null;
  /** Its last round by the median of the earlier ones; null where there are none. */
  readonly ratioToEarlier: number | null;
}

export interface RoundPerformance {
  readonly round: number;
  readonly labels: number;
  readonly batchSize: number;
  readonly seconds: number;
  readonly forecastSeconds: number;
  readonly ratioToForecast: number;
  readonly ratioToEarlier: number | null;
  /** Null where the server's histories of the round are neither kept nor there. */
  readonly elapsedSeconds: number | null;
  readonly waitedSeconds: number | null;
  /** From this round's end to the next one's beginning: approval, and the lab. */
  readonly labSeconds: number | null;
  readonly steps: number | null;
  readonly cachedSteps: number | null;
  readonly rmse: number | null;
  readonly best: number | null;
}

export interface LabelPerformance {
  /** Molecules handed out in batches. */
  readonly picks: number;
  readonly labels: number;
  readonly measured: number;
  readonly censored: number;
  readonly failed: number;
  readonly abandoned: number;
  readonly pending: number;
  /** Measurements of a molecule beyond its first. */
  readonly replicates: number;
  /** Posted rows; null where nobody was there to be asked. */
  readonly intake: RoundWork['intake'];
  /** In all the time the lab had; null where that is not on record. */
  readonly labSeconds: number | null;
  /** Labels of the latest rounds in which neither the best value nor the error moved beyond noise. */
  readonly taughtNothing: { readonly labels: number; readonly rounds: number } | null;
}

export interface CostLine {
  readonly what: string;
  readonly quantity: number;
  readonly unit: string;
  readonly usd: number;
}

/** Where the time, the money and the labels of a campaign went. */
export interface PerformanceReport {
  readonly campaignId: string;
  readonly finished: boolean;
  /** Rounds on record, and those of which the server's histories are known. */
  readonly recordedRounds: number;
  readonly roundsWithHistories: number;
  readonly time: {
    /** Null where not every round's histories are known. */
    readonly elapsedSeconds: number | null;
    readonly machineSeconds: number | null;
    readonly labSeconds: number | null;
    /** Sum over everything that ran, side by side or not. */
    readonly workSeconds: number;
    readonly waitedSeconds: number | null;
  };
  readonly stages: readonly StagePerformance[];
  readonly rounds: readonly RoundPerformance[];
  readonly queues: readonly QueueWork[];
  readonly labels: LabelPerformance;
  readonly money: {
    /** `billed`: on Google Cloud. `as-if`: this installation pays nobody; what the same would have cost there. */
    readonly basis: 'billed' | 'as-if';
    readonly lines: readonly CostLine[];
    readonly usd: number;
    /** Prices of the molecules handed out, in the unit of acquisition.constraints.cost; null where they have none. */
    readonly assays: number | null;
  };
  /** The greatest gain first. */
  readonly suggestions: readonly PerformanceSuggestion[];
  /** What could not be said, and why. */
  readonly notes: readonly string[];
}
