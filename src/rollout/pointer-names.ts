import { TitrateError, type TrialMode } from '../contracts';

/** Pointer with the model version that should serve a campaign: what is desired. */
export const servingPointer = (campaignId: string) => `serving/${campaignId}`;

/** Pointer with the model version that was seen to serve: what was observed. */
export const observedPointer = (campaignId: string) => `observed/${campaignId}`;

/** Pointer with what is on trial beside the model that serves: a target of `formatTrial`. */
export const trialPointer = (campaignId: string) => `trial/${campaignId}`;

/** What is on trial: a version id, how, and to which share of the requests, percent. */
export interface TrialTarget {
  readonly version: string;
  readonly mode: TrialMode;
  readonly share: number;
}

const NONE = 'none';
const TRIAL = /^(\S+) (canary|shadow) (\d+(?:\.\d+)?)$/;

/** `solubility-42/v3 canary 25`, or `none`. @throws usage when the share is no percentage */
export function formatTrial(trial: TrialTarget | null): string {
  if (!trial) return NONE;
  if (!(trial.share >= 0 && trial.share <= 100)) {
    throw new TitrateError('usage', {
      what: `the share is ${trial.share}; expected a percentage from 0 to 100`,
      where: trial.version,
    });
  }
  return `${trial.version} ${trial.mode} ${trial.share}`;
}

/** @throws artifact-corrupt when the target is no trial. */
export function parseTrial(target: string): TrialTarget | null {
  if (target === NONE) return null;
  const match = TRIAL.exec(target);
  if (!match) throw new TitrateError('artifact-corrupt', { what: `'${target}' names no trial` });
  return { version: match[1]!, mode: match[2] as TrialMode, share: Number(match[3]) };
}
