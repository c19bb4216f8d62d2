import type { Authorship, ModelCard, ModelVersion } from '../contracts';

/** Who moves an alias, and why. */
export interface AliasMover extends Authorship {
  /** The same operation moves an alias once, however often it is retried. */
  readonly operationId: string;
}

/** One entry of an alias's history. */
export interface AliasMove extends AliasMover {
  /** 1, 2, 3, … of this alias. */
  readonly number: number;
  /** Version ids, such as `solubility-42/v3`. */
  readonly version: string;
  readonly previous: string | null;
  /** Whether the alias stays there until somebody releases it. */
  readonly held: boolean;
  /** ISO 8601. */
  readonly at: string;
}

export interface MoveOptions {
  /** Holds the alias where it is put: `advanceAlias` leaves it until `releaseAlias`, or a move that does not hold. */
  readonly held?: boolean;
  /**
   * Where the mover believes the alias to be (null: nowhere yet). @throws contradiction when another mover came first.
   */
  readonly expected?: string | null;
}

/** Immutable, numbered model versions of each campaign, and the aliases that point at them. */
export interface ModelRegistry {
  /** Registers once per operation: the same operationId returns the same version. */
  register(campaignId: string, card: ModelCard, operationId: string): Promise<ModelVersion>;
  versions(campaignId: string): Promise<ModelVersion[]>;
  /** Campaigns with at least one version. */
  campaigns(): Promise<string[]>;
  /** `solubility-42/v3`, or `solubility-42@production` for an alias. @throws not-found with the known versions. */
  resolve(name: string): Promise<ModelVersion>;
  card(version: ModelVersion): Promise<ModelCard>;
  moveAlias(
    campaignId: string,
    alias: string,
    version: ModelVersion,
    by: AliasMover,
    options?: MoveOptions,
  ): Promise<AliasMove>;
  /** What goes on by itself: moves the alias unless it is held, or at a later version. @returns null when it is. */
  advanceAlias(
    campaignId: string,
    alias: string,
    version: ModelVersion,
    by: AliasMover,
  ): Promise<AliasMove | null>;
  /** The alias stays where it is, and may be advanced again. @throws contradiction when nothing holds it. */
  releaseAlias(campaignId: string, alias: string, by: AliasMover): Promise<AliasMove>;
  alias(campaignId: string, alias: string): Promise<ModelVersion | null>;
  /** Names of the aliases that were ever moved, sorted. */
  aliases(campaignId: string): Promise<string[]>;
  /** Every move of an alias, the first one first. */
  aliasMoves(campaignId: string, alias: string): Promise<AliasMove[]>;
}
