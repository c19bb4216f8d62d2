import type { DatasetVersion } from '../contracts';
import type { KnownResult } from './admission';
import type { OpenedBatch, StandingResult } from './knowledge';
import type { OpenedPick, ResolvedResult } from './warehouse';

export type LogName = 'results' | 'openings';

/** How far the index has got with one log of one campaign, and the hash of the last entry applied. */
export interface AppliedHead {
  readonly campaignId: string;
  readonly log: LogName;
  readonly number: number;
  readonly sha256: string;
}

/** Results that count: those in the base (all, when null) and those of chunks after `afterChunk`. */
export interface BranchFilter {
  readonly base: readonly string[] | null;
  readonly afterChunk: number;
}

/**
 * A queryable index over the records of campaigns and datasets. Everything in it can be made again from them; writing a log's entry
 * twice is once, also by two processes at the same moment. Adapters: DuckDB, BigQuery. Every adapter passes tests/contract/warehouse.
 */
export interface WarehouseIndex {
  /** Makes or migrates the tables. @returns false when what is there had to be thrown away, so that everything is applied again. */
  prepare(): Promise<boolean>;
  reset(): Promise<void>;
  heads(): Promise<AppliedHead[]>;
  head(campaignId: string, log: LogName): Promise<number>;

  /** Entry `number` of the campaign's results, rows from position `before + 1` on. */
  applyResults(entry: {
    readonly campaignId: string;
    readonly number: number;
    readonly sha256: string;
    readonly before: number;
    readonly rows: readonly ResolvedResult[];
  }): Promise<void>;
  applyOpening(entry: {
    readonly campaignId: string;
    readonly number: number;
    readonly sha256: string;
    readonly batchId: string;
    readonly round: number;
    readonly afterChunks: number;
    readonly picks: readonly OpenedPick[];
  }): Promise<void>;
  /** Makes a version's rows queryable beside the results; the same version twice is once. */
  applyDataset(version: DatasetVersion): Promise<void>;

  total(campaignId: string): Promise<number>;
  knownResults(campaignId: string, resultIds: readonly string[]): Promise<Map<string, KnownResult>>;
  /** Results that no other result within the same filter replaces. @param only.dates with `measuredAt`, which costs reading them whole */
  standingResults(
    campaignId: string,
    only?: { readonly batchId?: string; readonly branch?: BranchFilter; readonly dates?: boolean },
  ): Promise<StandingResult[]>;
  /** Opened batches with their picks: all of a campaign's, or those that hold a molecule of `batchId`. */
  openedBatches(campaignId: string, batchId?: string): Promise<OpenedBatch[]>;
  /** In the order of arrival, replaced ones too. */
  results(campaignId: string): Promise<ResolvedResult[]>;
  close(): Promise<void>;
}
