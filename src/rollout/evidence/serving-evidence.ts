import type { VersionFigures } from '../../contracts';

export type { VersionFigures };

/**
 * What a canary is judged by: since when, per version. Adapters: scraping the inference server's /metrics, Prometheus' HTTP API
 * (also Managed Prometheus).
 */
export interface ServingEvidence {
  /**
   * @param versions version ids; one answer for each, in this order
   * @param sinceSeconds length of the stretch of time, up to now
   * @throws TitrateError unavailable when nothing can be read
   */
  figures(
    campaignId: string,
    versions: readonly string[],
    sinceSeconds: number,
  ): Promise<readonly VersionFigures[]>;
}
