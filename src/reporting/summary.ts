import type { CampaignRecord } from '../contracts';
import { loadLatestCut } from './dossier';
import type { CampaignSummary, LoadArtifact, Truth } from './reporting';
import { topMolecules } from './top-molecules';

/** The last round's value of something that not every round has. */
export function latestOf<T>(
  record: CampaignRecord,
  of: (round: CampaignRecord['rounds'][number]) => T | null,
): T | null {
  for (let i = record.rounds.length - 1; i >= 0; i--) {
    const value = of(record.rounds[i]!);
    if (value !== null) return value;
  }
  return null;
}

/**
 * A campaign in a few numbers.
 * @param load reads the last cut's table; its bytes are checked against their hash.
 * @param truth the pool's true values, where they are known; `topFraction` is the best tenth unless told.
 * @throws TitrateError `artifact-corrupt`, `usage` (a truth that says nothing), and whatever `load` throws.
 */
export async function summariseCampaign(
  record: CampaignRecord,
  load: LoadArtifact,
  truth?: { readonly values: Truth['values']; readonly topFraction?: number },
): Promise<CampaignSummary> {
  const latest = await loadLatestCut(record, load);
  const labelled = latest?.labelled ?? [];
  const top = truth
    ? topMolecules({ topFraction: 0.1, ...truth }, record.poolSize, record.config.objective.direction)
    : undefined;
  return {
    campaignId: record.campaignId,
    rounds: record.rounds.filter((round) => round.sheet !== null).length,
    labelled: labelled.length,
    poolSize: record.poolSize,
    best: latest?.cut.best?.value ?? null,
    ...(top && {
      topK: top.size,
      topFound: top.found(labelled.map((row) => row.moleculeId)),
      topFoundRandom: top.expectedFound(labelled.length),
    }),
    modelVersion: latestOf(record, (round) => round.summary.modelVersion),
    backend: latestOf(record, (round) => round.summary.backend),
  };
}
