import type { PoolSummary } from '../activities/warehouse';
import {
  FIRST_STANDARDISATION,
  shownUri,
  type MoleculeCaps,
  type SourceSpec,
  type Standardisation,
  type StandardisedSource,
} from '../src/contracts';
import { featurizers, warehouse } from './activities';
import { mapLimited, surfaced } from './support';

export interface IngestionInput {
  readonly dataset: string;
  readonly sources: readonly SourceSpec[];
  readonly caps: MoleculeCaps;
  /** Left out by callers from before there was a choice. */
  readonly standardisation?: Standardisation;
  /** `head`: on top of what the dataset holds; `nothing`: just these sources. Default: `nothing`. */
  readonly onto?: 'head' | 'nothing';
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
      const landed = await warehouse.landSource.executeWithOptions(
        { summary: `land ${shownUri(source.uri)}` },
        [source],
      );
      const outcome = await featurizers.standardiseSource.executeWithOptions(
        { summary: `standardise ${shownUri(source.uri)}` },
        [{ landed, caps: input.caps, standardisation: input.standardisation ?? FIRST_STANDARDISATION }],
      );
      seconds += outcome.seconds;
      cached &&= outcome.cached;
      return outcome.value;
    });
    const { dataset, author, reason } = input;
    const pool = await warehouse.commitDataset.executeWithOptions({ summary: `commit dataset ${dataset}` }, [
      { dataset, sources, onto: input.onto ?? 'nothing', author, reason },
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
