import type { Authorship, DatasetRow, DatasetVersion, QuarantineRow, StandardisedSource } from '../contracts';
import type { MeasuredValue } from '../measurements';
import type { PointerEntry } from '../objects';

export interface CommitDatasetRequest extends Authorship {
  readonly dataset: string;
  readonly sources: readonly StandardisedSource[];
  /**
   * `head`: on top of the dataset's head. Its rows stay, less those of sources whose name (or one in `replaces`) is given anew.
   * `nothing`: the version holds just these sources, whatever the dataset held before.
   */
  readonly onto: 'head' | 'nothing';
  /** Names of sources that these take the place of, besides their own. @throws not-found for one the head has not. */
  readonly replaces?: readonly string[];
}

export interface CommittedDataset {
  readonly version: DatasetVersion;
  /** false: the head held exactly this already, and nothing has changed. */
  readonly changed: boolean;
  /**
   * Accepted rows of the given sources whose molecule stands in an earlier one of them, or in a row of the head that is not
   * replaced: accepted less the molecules new with this commit. The same when the commit is repeated.
   */
  readonly duplicates: number;
}

export interface DatasetDiff {
  readonly from: string;
  readonly to: string;
  readonly rows: { readonly added: number; readonly removed: number };
  readonly molecules: { readonly added: number; readonly removed: number };
  /** Molecules in both whose aggregated value, qualifier or number of replicates differs. */
  readonly changedValues: number;
  readonly sources: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  /** Up to `limit` of each, for a person to look at. */
  readonly examples: {
    readonly added: readonly DiffMolecule[];
    readonly removed: readonly DiffMolecule[];
    readonly changed: readonly {
      readonly moleculeId: string;
      readonly smiles: string;
      readonly before: number | null;
      readonly after: number | null;
    }[];
  };
}
export interface DiffMolecule {
  readonly moleculeId: string;
  readonly smiles: string;
  readonly value: number | null;
}

export interface DatasetListing {
  readonly version: DatasetVersion;
  readonly tags: readonly string[];
  readonly isHead: boolean;
  /** Who pruned its bytes, when, and why; null while they are there. */
  readonly pruned: { readonly author: string; readonly reason: string; readonly at: string } | null;
}

export interface PruneRequest extends Authorship {
  /** Limit to one dataset; all of them when left out. */
  readonly dataset?: string;
  /** Versions of each dataset kept, counted from its newest. */
  readonly keep: number;
  /** Versions younger than this stay, ms; so do objects touched within it. */
  readonly olderThanMs: number;
  /** Landings that nobody committed go after this time, ms. Default: `olderThanMs`. */
  readonly landingsOlderThanMs?: number;
  readonly dryRun: boolean;
  readonly now?: number;
}
export interface PruneReport {
  readonly versions: readonly string[];
  readonly kept: readonly { readonly id: string; readonly because: string }[];
  readonly objects: number;
  readonly bytes: number;
  readonly landings: number;
}

/**
 * Dataset versions: immutable manifests as records, rows as Parquet under their hash, heads and tags as pointer logs. Needs no owner:
 * any number of processes commit at once, and of two on one dataset the second goes on top of the first.
 */
export interface Datasets {
  /** @throws pool-empty when no row was accepted; usage when the head was standardised by another rule set. */
  commit(request: CommitDatasetRequest): Promise<CommittedDataset>;
  /** By id. @throws not-found. */
  version(id: string): Promise<DatasetVersion>;
  /** `data_…`, `name` (its head), `name@tag`, `name@3` (third entry of its history). @throws not-found, naming what there is. */
  resolve(reference: string): Promise<DatasetVersion>;
  /** Names of datasets, sorted. */
  names(): Promise<string[]>;
  /** Versions of a dataset, oldest first. */
  list(dataset: string): Promise<DatasetListing[]>;
  /** Every move of a dataset's head, with who, when and why. */
  history(dataset: string): Promise<PointerEntry[]>;
  /** Moves the head to another version of the dataset; nothing is lost. @throws not-found; artifact-pruned. */
  rollback(
    dataset: string,
    to: string,
    by: Authorship & { readonly operationId: string },
  ): Promise<PointerEntry>;
  tag(
    dataset: string,
    tag: string,
    version: string,
    by: Authorship & { readonly operationId: string },
  ): Promise<PointerEntry>;
  untag(dataset: string, tag: string, by: Authorship & { readonly operationId: string }): Promise<void>;

  /** Whether the version can be worked on. @throws artifact-pruned, naming who did it and when; artifact-missing. */
  requireBytes(version: DatasetVersion): Promise<void>;

  /** Rows in canonical order, in batches, in flat memory. */
  rows(version: DatasetVersion): AsyncIterable<DatasetRow[]>;
  quarantine(
    version: DatasetVersion,
    filter?: { readonly reason?: string; readonly source?: string },
  ): AsyncIterable<(QuarantineRow & { readonly source: string })[]>;
  /** Values measured earlier, in `unit`. @throws unit-unknown where one is in another. */
  measuredValues(version: DatasetVersion, unit: string | undefined): Promise<MeasuredValue[]>;
  /** Standard molecules of a version by id. */
  findMolecules(
    version: DatasetVersion,
    moleculeIds: readonly string[],
  ): Promise<Map<string, { smiles: string; inchiKey: string; compoundId?: string }>>;
  diff(from: DatasetVersion, to: DatasetVersion, limit?: number): Promise<DatasetDiff>;
  /** Writes all rows to a file, whole or not at all. CSV cells never begin a formula. */
  exportTo(version: DatasetVersion, file: string, format: 'parquet' | 'csv'): Promise<{ rows: number }>;
  /** Deletes bytes that nothing live needs: versions that are no head, tag, campaign's, or kept one; landings past their time. */
  prune(request: PruneRequest): Promise<PruneReport>;
  close(): Promise<void>;
}
