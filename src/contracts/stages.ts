import type { ArtifactRef } from './artifacts';
import type { FeaturizerSpec } from './features';
import type { Qualifier } from './lab';
import type { Split } from './models';
import type { FrontSummary } from './status';

/** One line of a training table (NDJSON): replicates already aggregated. */
export interface TrainingRow {
  readonly moleculeId: string;
  readonly smiles: string;
  /** Mean of uncensored replicates; else the tightest bound. */
  readonly value: number;
  readonly qualifier: Qualifier;
  /** Uncensored replicates averaged (1 for a bound). */
  readonly replicates: number;
  /** Sample standard deviation of the replicates; 0 for one. */
  readonly spread: number;
}

/** What a round knows of a further property. */
export interface PropertyCut {
  readonly property: string;
  /** NDJSON of TrainingRow sorted by moleculeId. */
  readonly training: ArtifactRef;
  readonly labels: number;
  readonly measured: number;
  readonly censored: number;
  readonly failed: number;
  /** NDJSON of LabelKey: when each label was measured. Only where the campaign splits by time. */
  readonly dates?: ArtifactRef;
}

/** What a round knows: the sorted ids of the results it used, and the table made from them. */
export interface Cut {
  readonly cutId: string;
  readonly campaignId: string;
  readonly round: number;
  readonly dataVersion: string;
  /** Number of the data branch it was made on; 0 or absent: the campaign's data were never rolled back. */
  readonly branch?: number;
  /** Chunks of results that had arrived. */
  readonly chunks?: number;
  /** NDJSON of the sorted resultIds used. */
  readonly resultIds: ArtifactRef;
  /** NDJSON of TrainingRow sorted by moleculeId. */
  readonly training: ArtifactRef;
  /** NDJSON of LabelKey: when each label was measured. Only where the campaign splits by time. */
  readonly dates?: ArtifactRef;
  readonly labels: number;
  readonly measured: number;
  readonly censored: number;
  readonly failed: number;
  readonly abandoned: number;
  /** Molecules out with the lab, without a terminal outcome: NDJSON of `{ moleculeId }`, sorted. */
  readonly pending: ArtifactRef;
  readonly pendingCount: number;
  /** Molecules that may not be proposed (measured, pending, failed unless retried): NDJSON of `{ moleculeId }`, sorted. */
  readonly excluded: ArtifactRef;
  /** Measured molecules that are not in the pool, as shards of Molecule to featurise. */
  readonly extraShards: readonly ArtifactRef[];
  readonly best: { readonly moleculeId: string; readonly smiles: string; readonly value: number } | null;
  /** Of each further property, in the order of objective.others; absent where the campaign has one property. */
  readonly others?: readonly PropertyCut[];
  /** The front over all properties; null before any molecule has every value. Worked out anew whenever a cut is asked for. */
  readonly front?: FrontSummary | null;
}

/** What one molecule of a training table is held out by (NDJSON, sorted by moleculeId): its scaffold, or its date; null: not known. */
export interface LabelKey {
  readonly moleculeId: string;
  readonly key: string | null;
}

/** A split of a round's labels other than at random. */
export interface LabelSplit {
  readonly kind: Exclude<Split, 'random'>;
  /** NDJSON of LabelKey; null where there is nothing to go by. */
  readonly keys: ArtifactRef | null;
}

/** Features of one shard under one featurizer. */
export interface FeaturisedShard {
  readonly shard: ArtifactRef;
  readonly featurizer: FeaturizerSpec;
  /** One file; of a bundle one a part, each the same as if the part had been asked for alone. */
  readonly features: ArtifactRef | readonly ArtifactRef[];
  readonly rows: number;
}

/** Where a stage's time went; a report adds them up. */
export interface StageTiming {
  readonly stage: string;
  readonly round: number;
  /** Wall and CPU seconds as measured where the work ran. */
  readonly seconds: number;
  readonly cached: boolean;
}
