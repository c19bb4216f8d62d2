import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { driftWatchId, WORKFLOWS, type DriftWatchInput } from '../contracts';
import type { Settings } from './settings';
import { openClient } from './temporal';

/** A watch that the server could not start is started late, if it is not later than this; the next one sees what it would have seen. */
const CATCH_UP = '1 hour';

/** The schedules of drift watches in the Temporal server: one a campaign. @param connect asked once, when it is first needed */
export function driftSchedules(connect: () => Promise<Client>) {
  let opening: Promise<Client> | undefined;
  const client = () =>
    (opening ??= connect().catch((error: unknown) => {
      opening = undefined;
      throw error;
    }));

  return {
    async ensure(campaignId: string, every: string): Promise<void> {
      const { schedule } = await client();
      const input: DriftWatchInput = { campaignId, occasion: 'schedule' };
      const spec = { intervals: [{ every: every as Duration }] };
      const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP } as const;
      const scheduleId = driftWatchId(campaignId);
      try {
        await schedule.create({
          ...{ scheduleId, spec, policies },
          action: {
            type: 'startWorkflow',
            workflowType: WORKFLOWS.driftWatch,
            workflowId: scheduleId,
            taskQueue: 'orchestration',
            args: [input],
          },
          state: { note: `drift of campaign ${campaignId}` },
        });
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
        await schedule.getHandle(scheduleId).update((before) => ({ ...before, spec, policies }));
      }
    },

    async remove(campaignId: string): Promise<void> {
      try {
        await (await client()).schedule.getHandle(driftWatchId(campaignId)).delete();
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
      }
    },

    async isRunning(campaignId: string): Promise<boolean> {
      try {
        const { status } = await (await client()).workflow.getHandle(campaignId).describe();
        return status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },

    async close(): Promise<void> {
      await (await opening?.catch(() => undefined))?.connection.close();
    },
  };
}

export const openDriftSchedules = (settings: Pick<Settings, 'temporal'>) =>
  driftSchedules(() => openClient(settings));
