import type {
  ArtifactRef,
  CampaignConfig,
  Cut,
  DatasetRow,
  DatasetVersion,
  LabResult,
  QuarantineRow,
  Receipt,
  StandardisedSource,
} from '../contracts';

/** A lab result whose molecule is known and standardised. */
export interface ResolvedResult extends LabResult {
  readonly moleculeId: string;
  readonly standardSmiles: string;
}

export interface CommitDatasetRequest {
  readonly dataset: string;
  readonly sources: readonly StandardisedSource[];
  readonly parent: string | null;
  readonly author: string;
  readonly reason: string;
}

export interface RecordedResults {
  readonly receipts: readonly Receipt[];
  /** Result rows of the campaign so far, accepted ones. */
  readonly total: number;
}

export interface BatchProgress {
  readonly picks: number;
  /** Picks without a terminal outcome (measured, failed or abandoned). */
  readonly outstanding: number;
}

/**
 * Molecules, an append-only measurements table, batches, dataset versions. The warehouse is an index: everything in it
 * can be rebuilt from the objects and records it was made from. One process owns it.
 */
export interface Warehouse {
  /** Immutable; committing equal rows under the same parent gives the same version. @throws pool-empty when no row was accepted. */
  commitDataset(request: CommitDatasetRequest): Promise<DatasetVersion>;
  datasetVersion(id: string): Promise<DatasetVersion>;
  readRows(version: DatasetVersion): Promise<DatasetRow[]>;
  readQuarantine(version: DatasetVersion): Promise<QuarantineRow[]>;

  /**
   * Appends results: durable before it returns. A repeated resultId is a duplicate and changes nothing (a repeat that says
   * something else is rejected with the reason); `replaces` must name an earlier result of the campaign.
   */
  recordResults(campaignId: string, results: readonly ResolvedResult[]): Promise<RecordedResults>;
  /** Marks the picks of a batch as out with the lab; the same batch twice is once. */
  openBatch(
    campaignId: string,
    batchId: string,
    round: number,
    picks: readonly { moleculeId: string; smiles: string }[],
  ): Promise<void>;
  batchProgress(campaignId: string, batchId: string): Promise<BatchProgress>;
  /**
   * Fixes what round `round` knows, once: a later call for the same round returns the recorded cut, whatever has arrived since.
   * Replaced results are left out; replicates are aggregated; values measured before (in the dataset) count as results.
   */
  closeCut(request: {
    campaignId: string;
    round: number;
    dataVersion: string;
    config: CampaignConfig;
  }): Promise<Cut>;
  /** Every result of a campaign in the order of arrival, replaced ones too. */
  results(campaignId: string): Promise<ResolvedResult[]>;
  /** A standard molecule of a dataset version, by id. */
  findMolecules(
    dataVersion: string,
    moleculeIds: readonly string[],
  ): Promise<Map<string, { smiles: string; compoundId?: string }>>;
  close(): Promise<void>;
}

export type { ArtifactRef };
