import type { ArtifactRef } from './artifacts';
import type { Qualifier } from './lab';
import type { MoleculeCaps, Standardisation } from './molecules';
import type { Retrieval, SourceReading, SourceSpec } from './sources';

/** One accepted row of a source, as it stands in a dataset version. */
export interface DatasetRow {
  readonly moleculeId: string;
  /** Standard SMILES. */
  readonly smiles: string;
  readonly inchiKey: string;
  readonly rawSmiles: string;
  readonly compoundId?: string;
  /** In `unit`, after conversion. */
  readonly value?: number;
  readonly unit?: string;
  readonly qualifier?: Qualifier;
  /** The value as reported, where it was converted, and the rule: `nM -> pIC50: 9 - log10(x)`. */
  readonly reportedValue?: number;
  readonly reportedUnit?: string;
  readonly conversion?: string;
  readonly replicate?: number;
  readonly assay?: string;
  /** Batch (lot) of the sample. */
  readonly batch?: string;
  /** ISO 8601: a day, or a moment in UTC. */
  readonly measuredAt?: string;
  /** sha256 of the raw bytes as they lie at the source, and the 1-based line (text), line of the record's first line (SDF), or row (Parquet). */
  readonly sourceSha256: string;
  readonly line: number;
}

export const QUARANTINE_REASONS = [
  'molecule-unparsable',
  'molecule-empty',
  'molecule-too-large',
  'molecule-crashed',
  'value-not-a-number',
  'value-infinite',
  'value-out-of-range',
  'qualifier-unknown',
  'unit-unknown',
  'date-invalid',
  'replicate-invalid',
  'formula-cell',
  'encoding-invalid',
  'record-malformed',
  'source-truncated',
] as const;
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

/** A row that could not be used: where it stood, what it said, why. */
export interface QuarantineRow {
  readonly sourceSha256: string;
  readonly line: number;
  /** At most 2,000 characters of the raw text. */
  readonly raw: string;
  readonly reason: QuarantineReason;
  readonly message: string;
}

export interface LandedSource {
  readonly source: SourceSpec;
  readonly raw: ArtifactRef;
  readonly retrieval?: Retrieval;
}

/** A stretch of a source after standardising: NDJSON of DatasetRow and of QuarantineRow, in the order of the source. */
export interface StandardisedPart {
  readonly rows: ArtifactRef;
  readonly quarantine: ArtifactRef;
  readonly accepted: number;
  readonly quarantined: number;
}

/** A source after parsing and standardising. */
export interface StandardisedSource {
  readonly source: SourceSpec;
  readonly raw: ArtifactRef;
  readonly retrieval?: Retrieval;
  readonly reading: SourceReading;
  readonly standardisation: Standardisation;
  /** JSON array of StandardisedPart, in the order of the source. */
  readonly parts: ArtifactRef;
  readonly accepted: number;
  readonly quarantined: number;
  /** Up to three quarantined rows in words, for messages. */
  readonly examples: readonly string[];
}

/** What a source gave to a dataset version. */
export interface DatasetSource {
  /** A later source of the same name takes the place of this one in the versions after it. */
  readonly name: string;
  readonly uri: string;
  readonly sha256: string;
  readonly accepted: number;
  readonly quarantined: number;
  readonly reading?: SourceReading;
  readonly retrieval?: Retrieval;
  /** JSON array of StandardisedPart: what the source gave, also where another one has the same bytes. */
  readonly parts?: ArtifactRef;
}

/**
 * An immutable dataset version. `id` hashes the canonical sorted rows, what is in quarantine, the schema, the rule set and the parent;
 * who, when, why, names and the Parquet bytes stay outside of it.
 */
export interface DatasetVersion {
  readonly id: string;
  readonly dataset: string;
  /** The version this one was made from; its rows, less those of replaced sources, are in this one. */
  readonly parent: string | null;
  readonly schema: string;
  readonly ruleSet: string;
  readonly rowsSha256: string;
  /** Parquet, all rows in canonical order. */
  readonly rows: ArtifactRef;
  /** NDJSON of QuarantineRow. */
  readonly quarantine: ArtifactRef;
  /** NDJSON of Molecule, distinct, sorted by moleculeId; boundaries depend on the ids alone, so most shards outlive a change of the set. */
  readonly shards: readonly ArtifactRef[];
  readonly molecules: number;
  readonly acceptedRows: number;
  readonly quarantinedRows: number;
  /** Accepted rows whose molecule stands in another row already. */
  readonly duplicateRows: number;
  readonly measuredRows: number;
  readonly sources: readonly DatasetSource[];
  readonly author: string;
  readonly reason: string;
  readonly createdAt: string;
}
/** Molecules a featurization shard holds on average, and at most. */
export const SHARD_ROWS = 512;
export const MAX_SHARD_ROWS = 2048;

export interface StandardiseRequest {
  readonly landed: LandedSource;
  readonly caps: MoleculeCaps;
  readonly standardisation: Standardisation;
}

/** Who changes something, and why: kept with the change for ever. */
export interface Authorship {
  readonly author: string;
  readonly reason: string;
}

/**
 * Whose results and which pool a campaign works on from `number` on: a numbered record, the last one counts. Results that stand in
 * `base`, and those of chunks after `afterChunk`, count; null base with chunk 0 is everything.
 */
export interface DataBranch extends Authorship {
  readonly number: number;
  readonly operationId: string;
  /** What was asked for: a dataset version, a cut, `round/N` or `latest`. */
  readonly to: string;
  readonly dataVersion: string;
  /** NDJSON of resultIds; null: no restriction. */
  readonly base: ArtifactRef | null;
  readonly afterChunk: number;
  readonly at: string;
}
