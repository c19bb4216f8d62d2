import { patched } from '@temporalio/workflow';
import type { AcquireRequest } from '../activities/gpu';
import { SHARDS_PER_TASK, type ArtifactRef } from '../src/contracts';
import { gpu } from './activities';
import { mapLimited } from './support';

export interface Scoring {
  /** Shortlists of the pool's groups, for `acquireBatch`. */
  readonly scored: readonly ArtifactRef[];
  readonly seconds: number;
  readonly cached: boolean;
}

/** Groups on the way at once: enough to feed several workers, few enough for one workflow's history. */
const GROUPS_AT_ONCE = 16;

/**
 * Scores a large pool group by group, each on any worker; null for a pool that one task does, or a batch that no ranking of the pool is needed for.
 * A second time where scores are measured from the best prediction, which has to be found first.
 */
export async function scorePool(
  request: AcquireRequest,
  { shardCount = 0, shardsPerTask = SHARDS_PER_TASK }: { shardCount?: number; shardsPerTask?: number },
): Promise<Scoring | null> {
  // A round that was begun before pools were shared out has no number of shards.
  if (!request.model || shardCount <= shardsPerTask || !patched('shared-scoring')) return null;
  const starts = Array.from({ length: Math.ceil(shardCount / shardsPerTask) }, (_, i) => i * shardsPerTask);
  const scored: ArtifactRef[] = [];
  let seconds = 0;
  let cached = true;
  for (let more = true; more;) {
    const plan = await gpu.planScoring.executeWithOptions({ summary: 'plan what to score by' }, [
      { ...request, scored },
    ]);
    more = plan.more;
    if (plan.lists.length === 0) break;
    const groups = await mapLimited(starts, GROUPS_AT_ONCE, async (from, index) => {
      const range = { from, to: Math.min(from + shardsPerTask, shardCount) };
      const outcome = await gpu.scoreCandidates.executeWithOptions(
        { summary: `score the pool, group ${index + 1} of ${starts.length}` },
        [{ ...request, lists: plan.lists, range }],
      );
      seconds += outcome.seconds;
      cached &&= outcome.cached;
      return outcome.value.lists;
    });
    scored.push(...groups);
  }
  return scored.length > 0 ? { scored, seconds, cached } : null;
}
