import type { ArtifactRef, CampaignRecord, DriftRecord, PerformanceReport } from '../contracts';

/** Bytes of an artifact, from the object store. */
export type LoadArtifact = (ref: ArtifactRef) => Promise<Uint8Array>;

/** SVG drawings, entry i for SMILES i; null where a molecule cannot be drawn. */
export type Depict = (smiles: string[]) => Promise<readonly (string | null)[]>;

/** The true value of every pool molecule, where a campaign replays a data set that is known in full. */
export interface Truth {
  /** By moleculeId, in the campaign's unit. */
  readonly values: ReadonlyMap<string, number>;
  /** Share of the pool that counts as its top, e.g. 0.1. */
  readonly topFraction: number;
}

export interface ReportRequest {
  readonly record: CampaignRecord;
  readonly load: LoadArtifact;
  readonly depict: Depict;
  readonly truth?: Truth;
  /** Where time, money and labels went; left out, the page does not say. */
  readonly performance?: PerformanceReport;
  /** What was seen of drift and done about it; left out, the page does not say. */
  readonly drift?: DriftRecord;
  /** ISO 8601; printed on the page, used for nothing else. */
  readonly generatedAt: string;
}

/** A campaign in a few numbers, for a terminal. */
export interface CampaignSummary {
  readonly campaignId: string;
  /** Rounds that handed out a batch; the closing training is none. */
  readonly rounds: number;
  /** Pool molecules with a measured value (a bound counts), at the last cut. */
  readonly labelled: number;
  readonly poolSize: number;
  /** Best measured value, in the campaign's unit; null before any. */
  readonly best: number | null;
  /** Size of the pool's top; with the two counts below only where the truth is known. */
  readonly topK?: number;
  /** Labelled molecules among the top; molecules that tie with its last member are interchangeable. */
  readonly topFound?: number;
  /** How many the same number of labels, drawn at random, would be expected to find: topK x labelled / poolSize. */
  readonly topFoundRandom?: number;
  readonly modelVersion: string | null;
  readonly backend: string | null;
}
