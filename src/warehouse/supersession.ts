import type { StandingResult } from './knowledge';
import type { BranchFilter } from './warehouse-index';

/** A result of a campaign, replaced or not, and the one it replaces. */
export interface ArrivedResult extends StandingResult {
  readonly replaces?: string;
}

/**
 * The results that stand on a data branch: of each chain of corrections the last one that counts there.
 *
 * A result counts when it is in the base (a null base holds all), or arrived in a chunk after `afterChunk`. A correction that was
 * rolled away replaces nothing; one that counts replaces everything before it in its chain, also over a link that was rolled away.
 * Pure. Linear in the number of results.
 * @param arrived all results of the campaign, in any order
 */
export function standingWithin(
  arrived: readonly ArrivedResult[],
  { base, afterChunk }: BranchFilter,
): StandingResult[] {
  const inBase = base === null ? null : new Set(base);
  const counts = ({ result, chunk }: ArrivedResult) =>
    inBase === null || inBase.has(result.resultId) || chunk > afterChunk;
  const byId = new Map(arrived.map((row) => [row.result.resultId, row]));
  const replaced = new Set<string>();
  for (const row of arrived) {
    if (!counts(row)) continue;
    // A chain that another counting correction has walked already is not walked again.
    let earlier = row.replaces;
    while (earlier !== undefined && !replaced.has(earlier)) {
      replaced.add(earlier);
      earlier = byId.get(earlier)?.replaces;
    }
  }
  return arrived
    .filter((row) => counts(row) && !replaced.has(row.result.resultId))
    .map(({ replaces: _replaces, ...standing }) => standing);
}
