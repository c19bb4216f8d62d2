import { createHash } from 'node:crypto';
import type { TrackedArtifactName, TrackedRun } from '../contracts';

/** Longest readable part of a run's id; W&B takes 64 characters in all. */
const READABLE_CHARACTERS = 30;
const HASH_DIGITS = 12;

/**
 * Id of a run, the same whenever the same thing is tracked: `solubility-42-r3-training-5f0c…`. The hash keeps apart what the
 * readable part does not.
 */
export function trackedRunId(
  campaignId: string,
  round: number | null,
  jobType: TrackedRun['jobType'],
  detail = '',
): string {
  const readable = campaignId.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, READABLE_CHARACTERS);
  const hash = createHash('sha256')
    .update(JSON.stringify([campaignId, round, jobType, detail]))
    .digest('hex');
  const parts = [readable, round === null ? '' : `r${round}`, jobType, hash.slice(0, HASH_DIGITS)];
  return parts.filter(Boolean).join('-');
}

/** W&B keeps `v0`, `v1`, … for its own numbers, so ours are aliases of another form. */
const versionAlias = (number: number) => `version-${number}`;

export const modelArtifactName = (campaignId: string, number: number): TrackedArtifactName => ({
  collection: `${campaignId}-model`,
  version: versionAlias(number),
});

/** What the model of a round learnt from. */
export const datasetArtifactName = (campaignId: string, round: number): TrackedArtifactName => ({
  collection: `${campaignId}-data`,
  version: `round-${round}`,
});

/** Whether an alias is one of our version names, and not one that moves. */
export const isVersionAlias = (alias: string) => /^(version|round)-\d+$/.test(alias);
