import type { FeatureSet } from '../activities/featurization';
import { featurizerName, type ArtifactRef, type FeaturizerSpec } from '../src/contracts';
import { featurizers } from './activities';
import { mapLimited, surfaced } from './support';

export interface FeaturizationInput {
  /** JSON array of the pool's shards, and shards of measured molecules outside it. */
  readonly shards: ArtifactRef;
  readonly extraShards: readonly ArtifactRef[];
  readonly featurizers: readonly FeaturizerSpec[];
}

export interface FeaturizationOutput {
  /** One set for every featurizer, in the order they were asked for. */
  readonly sets: readonly FeatureSet[];
  readonly seconds: number;
  readonly cached: boolean;
}

/** Shards on the way at once: enough to feed several workers, few enough for one workflow's history. */
const SHARDS_AT_ONCE = 16;

/** Features of every shard under every featurizer. What was computed before is found, not computed. */
export async function featurization(input: FeaturizationInput): Promise<FeaturizationOutput> {
  try {
    const { shards, count } = await featurizers.joinShards({
      shards: input.shards,
      extra: input.extraShards,
    });
    let seconds = 0;
    let cached = true;
    const sets: FeatureSet[] = [];
    for (const featurizer of input.featurizers) {
      const name = featurizerName(featurizer);
      const indices = Array.from({ length: count }, (_, index) => index);
      const done = await mapLimited(indices, SHARDS_AT_ONCE, async (index) => {
        const outcome = await featurizers.featuriseShard.executeWithOptions(
          { summary: `${name}, shard ${index + 1} of ${count}` },
          [{ shards, index, featurizer }],
        );
        seconds += outcome.seconds;
        cached &&= outcome.cached;
        return outcome.value;
      });
      sets.push(await featurizers.assembleFeatures({ featurizer, shards: done }));
    }
    return { sets, seconds, cached };
  } catch (error) {
    throw surfaced(error);
  }
}
