import { currentUpdateInfo } from '@temporalio/workflow';
import type { CampaignState } from '../src/campaign';

/** The campaign, as its parts see it: its state, and its history. */
export interface CampaignOwner {
  state(): CampaignState;
  update(next: Partial<CampaignState>): void;
  /** An entry of the history that also says how things stand. */
  event(kind: string, message: string): void;
  /** An entry of the history beside what the campaign waits for. */
  note(kind: string, message: string): void;
}

/** How often an update's activity is tried: some minutes. Somebody waits for the answer and had better be told. */
export const MOVE_RETRIES = {
  initialInterval: '500 ms',
  maximumInterval: '30 seconds',
  maximumAttempts: 15,
} as const;

/**
 * Id of the operation that the update at hand asks for. It holds the client's id of the update: sent again it is the same
 * operation, also to a later execution of the campaign.
 */
export function updateOperation(owner: Pick<CampaignOwner, 'state'>, update: string): string {
  return `${owner.state().campaignId}/${update}/${currentUpdateInfo()!.id}`;
}

/** Runs one job after the other, in the order they came; one that fails holds nobody up. */
export function inOrder(): <T>(job: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (job) => {
    const next = last.then(job);
    last = next.catch(() => undefined);
    return next;
  };
}
