import type { ArtifactRef } from './artifacts';
import type { SourceSpec } from './campaign-config';
import type { FeaturizerSpec } from './features';
import type { Qualifier } from './lab';
import type { MoleculeCaps } from './molecules';

/** One accepted row of a source, as it stands in a dataset version. */
export interface DatasetRow {
  readonly moleculeId: string;
  /** Standard SMILES. */
  readonly smiles: string;
  readonly inchiKey: string;
  readonly rawSmiles: string;
  readonly compoundId?: string;
  readonly value?: number;
  readonly unit?: string;
  readonly qualifier?: Qualifier;
  /** sha256 of the raw file and the 1-based line (CSV) or line of the record's first line (SDF). */
  readonly sourceSha256: string;
  readonly line: number;
}

/** A row that could not be used: where it stood, what it said, why. */
export interface QuarantineRow {
  readonly sourceSha256: string;
  readonly line: number;
  /** At most 2,000 characters of the raw text. */
  readonly raw: string;
  readonly reason:
    | 'molecule-unparsable'
    | 'molecule-empty'
    | 'molecule-too-large'
    | 'molecule-crashed'
    | 'value-not-a-number'
    | 'value-infinite'
    | 'qualifier-unknown'
    | 'record-malformed';
  readonly message: string;
}

export interface LandedSource {
  readonly source: SourceSpec;
  readonly raw: ArtifactRef;
}

/** A source after parsing and standardising: NDJSON of DatasetRow and of QuarantineRow. */
export interface StandardisedSource {
  readonly source: SourceSpec;
  readonly raw: ArtifactRef;
  readonly rows: ArtifactRef;
  readonly quarantine: ArtifactRef;
  readonly accepted: number;
  readonly quarantined: number;
  /** Up to three quarantined rows in words, for messages. */
  readonly examples: readonly string[];
}

/** An immutable dataset version. `id` hashes the canonical sorted rows, the schema, the rule set and the parent. */
export interface DatasetVersion {
  readonly id: string;
  readonly dataset: string;
  readonly parent: string | null;
  readonly schema: string;
  readonly ruleSet: string;
  readonly rowsSha256: string;
  /** Parquet, all rows. */
  readonly rows: ArtifactRef;
  readonly quarantine: ArtifactRef;
  /** NDJSON of Molecule, distinct, sorted by moleculeId, at most `SHARD_ROWS` a shard. */
  readonly shards: readonly ArtifactRef[];
  readonly molecules: number;
  readonly acceptedRows: number;
  readonly quarantinedRows: number;
  readonly duplicateRows: number;
  readonly measuredRows: number;
  readonly sources: readonly {
    readonly uri: string;
    readonly sha256: string;
    readonly accepted: number;
    readonly quarantined: number;
  }[];
  readonly author: string;
  readonly reason: string;
  readonly createdAt: string;
}
/** Molecules a featurization shard holds. */
export const SHARD_ROWS = 512;

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

/** What a round knows: the sorted ids of the results it used, and the table made from them. */
export interface Cut {
  readonly cutId: string;
  readonly campaignId: string;
  readonly round: number;
  readonly dataVersion: string;
  /** NDJSON of the sorted resultIds used. */
  readonly resultIds: ArtifactRef;
  /** NDJSON of TrainingRow sorted by moleculeId. */
  readonly training: ArtifactRef;
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
}

/** Features of one shard under one featurizer. */
export interface FeaturisedShard {
  readonly shard: ArtifactRef;
  readonly featurizer: FeaturizerSpec;
  readonly features: ArtifactRef;
  readonly rows: number;
}

export interface StandardiseRequest {
  readonly landed: LandedSource;
  readonly caps: MoleculeCaps;
}

/** Where a stage's time went; a report adds them up. */
export interface StageTiming {
  readonly stage: string;
  readonly round: number;
  /** Wall and CPU seconds as measured where the work ran. */
  readonly seconds: number;
  readonly cached: boolean;
}
