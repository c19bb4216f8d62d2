import type { PoolSummary } from '../activities/warehouse';
import type { MoleculeCaps, SourceSpec, StandardisedSource } from '../src/contracts';
import { featurizers, warehouse } from './activities';
import { mapLimited, surfaced } from './support';

export interface IngestionInput {
  readonly dataset: string;
  readonly sources: readonly SourceSpec[];
  readonly caps: MoleculeCaps;
  readonly author: string;
  readonly reason: string;
}

export interface IngestionOutput {
  readonly pool: PoolSummary;
  readonly quarantined: number;
  /** Some quarantined rows in words. */
  readonly examples: readonly string[];
  readonly seconds: number;
  readonly cached: boolean;
}

/** Lands every source, standardises it, and commits the rows as one dataset version. */
export async function ingestion(input: IngestionInput): Promise<IngestionOutput> {
  try {
    let seconds = 0;
    let cached = true;
    const sources = await mapLimited(input.sources, 4, async (source): Promise<StandardisedSource> => {
      const landed = await warehouse.landSource.executeWithOptions({ summary: `land ${source.uri}` }, [
        source,
      ]);
      const outcome = await featurizers.standardiseSource.executeWithOptions(
        { summary: `standardise ${source.uri}` },
        [{ landed, caps: input.caps }],
      );
      seconds += outcome.seconds;
      cached &&= outcome.cached;
      return outcome.value;
    });
    const { dataset, author, reason } = input;
    const pool = await warehouse.commitDataset.executeWithOptions({ summary: `commit dataset ${dataset}` }, [
      { dataset, sources, parent: null, author, reason },
    ]);
    return {
      pool,
      quarantined: pool.quarantinedRows,
      examples: sources.flatMap((source) => source.examples).slice(0, 5),
      seconds,
      cached,
    };
  } catch (error) {
    throw surfaced(error);
  }
}
