import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];
type Timestamp = NonNullable<HistoryEvent['eventTime']>;
type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

/** One activity that has ended, as the server recorded it. Times in milliseconds since 1970. */
export interface ActivityExecution {
  readonly workflow: string;
  readonly activity: string;
  readonly queue: string;
  readonly scheduledAt: number;
  /** Start of the last attempt. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** 1 where the first attempt was the last. */
  readonly attempt: number;
  readonly failed: boolean;
  /** `pid@host` of the worker. */
  readonly worker: string;
  /** Of a step: whether its output was on record, and the seconds it took where it ran. */
  readonly step: { readonly cached: boolean; readonly seconds: number } | null;
}

/** What one execution of a workflow did. */
export interface ExecutionWork {
  readonly workflow: string;
  readonly startedAt: number;
  /** Null of one that runs on. */
  readonly endedAt: number | null;
  readonly activities: readonly ActivityExecution[];
  readonly children: readonly {
    readonly workflow: string;
    readonly workflowId: string;
    readonly runId: string;
    /** It outlives what started it, and is no part of that one's work. */
    readonly beside: boolean;
  }[];
}

/** PARENT_CLOSE_POLICY_ABANDON of temporal.api.enums.v1. */
const ABANDONED = 2;

const NANOSECONDS_A_MILLISECOND = 1e6;

const time = ({ eventTime }: { eventTime?: Timestamp | null }): number =>
  1000 * Number(eventTime?.seconds ?? 0) + (eventTime?.nanos ?? 0) / NANOSECONDS_A_MILLISECOND;

/** Of an activity's result, where it is the outcome of a step. */
function stepOf(payload: Payload | undefined): ActivityExecution['step'] {
  if (!payload) return null;
  let value: unknown;
  try {
    value = defaultPayloadConverter.fromPayload(payload);
  } catch {
    // Of a kind that only the workers can read.
    return null;
  }
  if (value === null || typeof value !== 'object') return null;
  const { cached, seconds } = value as { cached?: unknown; seconds?: unknown };
  return typeof cached === 'boolean' && typeof seconds === 'number' ? { cached, seconds } : null;
}

/** Reads one history. An activity that is still under way is left out. */
export function readHistory({ events }: History): ExecutionWork {
  const all = events ?? [];
  const byId = new Map(all.map((event) => [Number(event.eventId), event]));
  const started = all.find((event) => event.workflowExecutionStartedEventAttributes);
  const workflow = started?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? '';
  const last = all.at(-1);
  const ended =
    last?.workflowExecutionCompletedEventAttributes ??
    last?.workflowExecutionFailedEventAttributes ??
    last?.workflowExecutionCanceledEventAttributes ??
    last?.workflowExecutionTerminatedEventAttributes ??
    last?.workflowExecutionTimedOutEventAttributes ??
    last?.workflowExecutionContinuedAsNewEventAttributes;

  const activities = all.flatMap((event): ActivityExecution[] => {
    const completed = event.activityTaskCompletedEventAttributes;
    const end =
      completed ?? event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (!end) return [];
    const scheduled = byId.get(Number(end.scheduledEventId));
    const begun = byId.get(Number(end.startedEventId));
    const asked = scheduled?.activityTaskScheduledEventAttributes;
    const taken = begun?.activityTaskStartedEventAttributes;
    if (!asked || !taken) return [];
    return [
      {
        workflow,
        activity: asked.activityType?.name ?? '',
        queue: asked.taskQueue?.name ?? '',
        scheduledAt: time(scheduled),
        startedAt: time(begun!),
        endedAt: time(event),
        attempt: taken.attempt ?? 1,
        failed: !completed,
        worker: taken.identity ?? '',
        step: stepOf(completed?.result?.payloads?.[0] as Payload | undefined),
      },
    ];
  });
  const children = all.flatMap(({ childWorkflowExecutionStartedEventAttributes: child }) => {
    if (!child) return [];
    const asked = byId.get(Number(child.initiatedEventId));
    const policy = asked?.startChildWorkflowExecutionInitiatedEventAttributes?.parentClosePolicy;
    return [
      {
        workflow: child.workflowType?.name ?? '',
        workflowId: child.workflowExecution?.workflowId ?? '',
        runId: child.workflowExecution?.runId ?? '',
        beside: Number(policy) === ABANDONED,
      },
    ];
  });
  return {
    workflow,
    startedAt: started ? time(started) : 0,
    endedAt: ended && last ? time(last) : null,
    activities,
    children,
  };
}
