import type { ArtifactRef } from './artifacts';

/** A value of a run's configuration or summary. */
export type TrackedValue =
  string | number | boolean | null | readonly TrackedValue[] | { readonly [key: string]: TrackedValue };

/** One line of a run's history: metrics by name at a step. */
export interface TrackedPoint {
  /** 0, 1, 2, … in the order of the history. */
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** A table of a run, and the plot that is drawn from it where one is wanted. */
export interface TrackedTable {
  /** Letters, digits, dots, dashes and underscores. */
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
  readonly plot?: {
    readonly kind: 'scatter' | 'bar';
    readonly x: string;
    readonly y: string;
    readonly title: string;
  };
}

/** What one computation was, as a person looks it up later. */
export interface TrackedRun {
  /** Unique in the whole project; built by `trackedRunId`. */
  readonly runId: string;
  readonly name: string;
  /** Runs of one round stand together: `solubility-42/round/3`. */
  readonly group: string;
  readonly jobType: 'campaign' | 'training' | 'trial';
  readonly tags: readonly string[];
  readonly notes: string;
  readonly config: { readonly [key: string]: TrackedValue };
  readonly history: readonly TrackedPoint[];
  readonly summary: { readonly [key: string]: TrackedValue };
  readonly tables: readonly TrackedTable[];
  /** Artifacts it read. */
  readonly uses: readonly TrackedArtifactName[];
}

/** A version of a collection of artifacts: `solubility-42-model`, `version-3`. */
export interface TrackedArtifactName {
  readonly collection: string;
  readonly version: string;
}

/** Files under a version that never changes. */
export interface TrackedArtifact extends TrackedArtifactName {
  readonly type: 'model' | 'dataset';
  readonly description: string;
  readonly metadata: { readonly [key: string]: TrackedValue };
  /** Run that made it. */
  readonly runId: string;
  readonly files: readonly { readonly name: string; readonly content: ArtifactRef }[];
}

/** What one occasion adds: written down whole, once, before any of it is sent. */
export interface TrackingEntry {
  readonly campaignId: string;
  /** Order of delivery within the campaign, e.g. the round. */
  readonly number: number;
  readonly runs: readonly TrackedRun[];
  readonly artifacts: readonly TrackedArtifact[];
}

/** What a delivery brought, and what it met. */
export interface TrackingDelivery {
  readonly destination: string;
  readonly delivered: readonly { readonly campaignId: string; readonly number: number }[];
  readonly runs: number;
  readonly artifacts: number;
  /** Aliases that were moved, e.g. `solubility-42@production -> version-2`. */
  readonly aliases: readonly string[];
}
