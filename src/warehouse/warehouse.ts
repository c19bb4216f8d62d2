import type {
  Authorship,
  CampaignConfig,
  Cut,
  DataBranch,
  DatasetVersion,
  LabResult,
  Receipt,
} from '../contracts';

/** A lab result whose molecule is known and standardised. `property` is absent where it is the campaign's first one. */
export interface ResolvedResult extends LabResult {
  readonly moleculeId: string;
  readonly standardSmiles: string;
  readonly inchiKey?: string;
  /** The value as posted, where it was converted into the campaign's unit. */
  readonly reported?: { readonly value: number; readonly unit: string; readonly conversion: string };
}

export interface RecordedResults {
  readonly receipts: readonly Receipt[];
  /** Result rows of the campaign so far, accepted ones. */
  readonly total: number;
}

/** A molecule of a batch that is out. */
export interface OpenedPick {
  readonly moleculeId: string;
  readonly smiles: string;
}

export interface BatchProgress {
  readonly picks: number;
  /** Picks without a terminal outcome (measured or failed of every property, or abandoned). */
  readonly outstanding: number;
}

export interface RollbackDataRequest extends Authorship {
  readonly campaignId: string;
  /** The same operation moves the data once, however often it is retried. */
  readonly operationId: string;
  /**
   * `data_…`, `name@tag`: another version of the pool and the values measured before. `cut_…`, `round/N`: the results that cut used, and its
   * version. `latest`: every result that ever arrived, on the pool the campaign began with. Results that arrive later count on any branch.
   */
  readonly to: string;
}

export interface MovedData {
  readonly branch: DataBranch;
  /** Results that count now. */
  readonly results: number;
}

/**
 * Measurements of campaigns: append-only, with corrections that supersede and never destroy; batches; what each round knew. The tables
 * are an index: everything in them can be rebuilt from the objects and records they were made from.
 */
export interface Warehouse {
  /**
   * Appends results: durable before it returns. A repeated resultId is a duplicate and changes nothing (a repeat that says
   * something else is rejected with the reason); `replaces` must name an earlier result of the campaign, of whatever molecule and
   * property: what was posted for the wrong one is moved by its correction.
   */
  recordResults(campaignId: string, results: readonly ResolvedResult[]): Promise<RecordedResults>;
  /** Marks the picks of a batch as out with the lab; the same batch twice is once. */
  openBatch(campaignId: string, batchId: string, round: number, picks: readonly OpenedPick[]): Promise<void>;
  /** @param others the campaign's further properties: a pick is back once each of them is */
  batchProgress(campaignId: string, batchId: string, others?: readonly string[]): Promise<BatchProgress>;
  /**
   * Fixes what round `round` knows on a branch, once: a later call for the same round and branch returns the recorded cut,
   * whatever has arrived since. Replaced results are left out, and those that a rollback took away; replicates are aggregated; values
   * measured before (in the dataset) count as results.
   */
  closeCut(request: {
    campaignId: string;
    round: number;
    /** Name of a cut beside that of the round: what is known by now, of which the round's own learns nothing. */
    aside?: string;
    /** The pool of a campaign whose data were not moved; a branch has its own. */
    dataVersion: string;
    /** Number of the data branch, 0 for none. Default: the one in force. */
    branch?: number;
    config: CampaignConfig;
  }): Promise<Cut>;
  /** Every result of a campaign in the order of arrival, replaced ones too. */
  results(campaignId: string): Promise<ResolvedResult[]>;
  /** Cuts recorded so far, by round. */
  cuts(campaignId: string): Promise<Cut[]>;
  /** Moves a campaign's data; nothing is deleted. @throws not-found for a version, cut or round that is not there. */
  rollbackData(request: RollbackDataRequest): Promise<MovedData>;
  /** The branch in force; null while the data were never moved. */
  branch(campaignId: string): Promise<DataBranch | null>;
  branches(campaignId: string): Promise<DataBranch[]>;
  /** Makes a dataset version queryable beside the results. */
  indexDataset(version: DatasetVersion): Promise<void>;
  close(): Promise<void>;
}
