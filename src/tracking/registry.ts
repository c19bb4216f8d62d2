import type { ModelCard, ModelVersion } from '../contracts';

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
    by: { operationId: string; author: string; reason: string },
  ): Promise<void>;
  alias(campaignId: string, alias: string): Promise<ModelVersion | null>;
  /** Every alias of the campaign's models and where our pointer log has it, sorted. */
  aliases(campaignId: string): Promise<{ readonly alias: string; readonly version: ModelVersion }[]>;
}
