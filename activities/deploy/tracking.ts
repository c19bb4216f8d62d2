import type { TrackingDelivery } from '../../src/contracts';
import { deliverCampaign, trackRounds } from '../../src/tracking';
import { withHeartbeat } from '../shared/heartbeat';
import type { DeployPorts } from '../shared/ports';

/** Tracking: written down first, sent afterwards, by activities that nothing of a campaign waits for. */
export function createTrackingActivities(
  ports: Pick<DeployPorts, 'objects' | 'log' | 'registry' | 'spool' | 'tracker'>,
) {
  /** Spools the recorded rounds of a campaign that are not spooled yet. @returns their numbers. */
  async function spoolTracking(input: { campaignId: string }): Promise<number[]> {
    return withHeartbeat(() => trackRounds(input.campaignId, ports));
  }

  /** Brings what is spooled to where it is looked at, and the aliases to where the pointer log has them. */
  async function deliverTracking(input: { campaignId: string }): Promise<TrackingDelivery> {
    return withHeartbeat((signal, progress) =>
      deliverCampaign(input.campaignId, { ...ports, signal, onProgress: progress }),
    );
  }

  return { spoolTracking, deliverTracking };
}
