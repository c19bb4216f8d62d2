import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { proxySinks, workflowInfo } from '@temporalio/workflow';
import {
  readTraceParent,
  roundSpanId,
  roundTraceId,
  runSpanId,
  runTraceId,
  TRACE_HEADERS,
  traceParentText,
  workContextSchema,
  type CampaignStage,
  type RoundPhase,
  type WorkContext,
  type WorkflowSpan,
  type WorkflowSpanSinks,
} from '../src/contracts';

/** A span that goes on: it is handed over when it ends, and an execution that continues takes it along. */
interface OpenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startMs: number;
  readonly context: WorkContext;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links?: WorkflowSpan['links'];
}

/** What only a workflow reads, from the one that started it or went before it. */
interface SpanHeader {
  /** Nobody waits for it: it may outlast the span that it is under. */
  readonly beside?: boolean;
  /** Of the execution before this one. */
  readonly open?: OpenSpan;
}

const { titrateSpans } = proxySinks<WorkflowSpanSinks>();

/** Where this execution is: what it does next belongs under `open`. Its own in every workflow, as all of a bundle's variables are. */
let open: OpenSpan | null = null;
let context: WorkContext = {};

const payload = (value: unknown) => defaultPayloadConverter.toPayload(value)!;

function read<T>(headers: Headers, name: string): T | undefined {
  const found = headers[name];
  return found === undefined ? undefined : defaultPayloadConverter.fromPayload<T>(found);
}

/** Whose work an input says that it is. */
function contextOf(input: unknown): WorkContext {
  if (input === null || typeof input !== 'object') return {};
  const { campaignId: campaign, round } = input as { campaignId?: unknown; round?: unknown };
  const parsed = workContextSchema.safeParse({ campaign, round });
  return parsed.success ? parsed.data : {};
}

/** At the start of an execution, before any of its code has run. */
export function beginExecution(headers: Headers, input: unknown): void {
  const { runId, workflowId, workflowType, startTime } = workflowInfo();
  const told = workContextSchema.safeParse(read(headers, TRACE_HEADERS.context));
  context = { ...contextOf(input), ...(told.success ? told.data : {}) };
  const { beside, open: before } = read<SpanHeader>(headers, TRACE_HEADERS.span) ?? {};
  if (before) {
    open = before;
    return;
  }
  const parent = readTraceParent(read(headers, TRACE_HEADERS.parent));
  const startMs = startTime.getTime();
  open = {
    name: workflowType,
    traceId: parent?.traceId ?? runTraceId(runId),
    spanId: runSpanId(runId),
    ...(parent && { parentSpanId: parent.spanId }),
    startMs,
    context,
    attributes: {
      'temporal.workflow_type': workflowType,
      'temporal.workflow_id': workflowId,
      'temporal.run_id': runId,
      'titrate.queue_ms': Math.max(0, Date.now() - startMs),
      ...(beside && { 'titrate.beside': true }),
    },
  };
}

export interface CampaignPlace {
  readonly campaignId: string;
  readonly round: number;
  readonly stage: CampaignStage;
  /** The batch that is out with the lab. */
  readonly batch: object | null;
}

/**
 * A campaign says where it is. The work of a round and the wait for its results are spans of the round's own trace, whatever
 * executions they take; each is handed over when the other begins.
 */
export function campaignIsAt({ campaignId: campaign, round, stage, batch }: CampaignPlace): void {
  const phase: RoundPhase = batch ? 'lab' : 'round';
  const spanId = roundSpanId(campaign, round, phase);
  context = { campaign, round, stage };
  if (open?.spanId === spanId) return;
  const first = open?.name === workflowInfo().workflowType;
  // The first execution's own span has nothing to tell that the first round does not.
  if (!first) endSpan();
  const { workflowId, workflowType } = workflowInfo();
  // Whoever started the campaign, or the round before.
  const follows = first
    ? open?.parentSpanId && { traceId: open.traceId, spanId: open.parentSpanId }
    : { traceId: roundTraceId(campaign, round - 1), spanId: roundSpanId(campaign, round - 1, 'round') };
  open = {
    name: phase,
    traceId: roundTraceId(campaign, round),
    spanId,
    ...(phase === 'lab' && { parentSpanId: roundSpanId(campaign, round, 'round') }),
    startMs: first ? open!.startMs : Date.now(),
    context: { campaign, round },
    attributes: {
      'temporal.workflow_type': workflowType,
      'temporal.workflow_id': workflowId,
      // How long the first execution waited for a worker.
      ...(first && waitedOf(open)),
      ...(phase === 'lab' && { 'titrate.beside': true }),
    },
    ...(phase === 'round' && follows && { links: [follows] }),
  };
}

const waitedOf = (of: OpenSpan | null): OpenSpan['attributes'] => {
  const waited = of?.attributes['titrate.queue_ms'];
  return waited === undefined ? {} : { 'titrate.queue_ms': waited };
};

/** A stage has begun: what comes next says so. */
export function stageIsAt(stage: CampaignStage): void {
  context = { ...context, stage };
}

function endSpan(failure?: string): void {
  if (!open) return;
  const { context: of, attributes, ...span } = open;
  titrateSpans.ended({
    ...span,
    endMs: Date.now(),
    ...(failure !== undefined && { failure }),
    attributes: { ...attributes, ...attributesOf(of) },
  });
  open = null;
}

const attributesOf = ({ campaign, round }: WorkContext) => ({
  ...(campaign !== undefined && { 'titrate.campaign': campaign }),
  ...(round !== undefined && { 'titrate.round': round }),
});

/** @param failure why the execution failed */
export const endExecution = (failure?: string) => endSpan(failure);

/** Hands over a span of something that this execution did for a caller, in the caller's trace. */
export function handled(name: string, id: string, headers: Headers, startMs: number, failure?: string): void {
  const parent = readTraceParent(read(headers, TRACE_HEADERS.parent));
  if (!parent) return;
  const { runId, workflowId, workflowType } = workflowInfo();
  titrateSpans.ended({
    name,
    traceId: parent.traceId,
    spanId: runSpanId(`${runId}/${id}`),
    parentSpanId: parent.spanId,
    startMs,
    endMs: Date.now(),
    ...(failure !== undefined && { failure }),
    attributes: {
      'temporal.workflow_type': workflowType,
      'temporal.workflow_id': workflowId,
      'temporal.run_id': runId,
      ...attributesOf(context),
    },
    ...(open && { links: [{ traceId: open.traceId, spanId: open.spanId }] }),
  });
}

/** Headers of what this execution asks for. */
export function headersFromHere(headers: Headers, besides: SpanHeader = {}): Headers {
  return {
    ...headers,
    [TRACE_HEADERS.context]: payload(context),
    ...(open && {
      // Whether the trace is kept is decided where spans are made, by its id.
      [TRACE_HEADERS.parent]: payload(traceParentText({ ...open, sampled: true })),
    }),
    ...(Object.keys(besides).length > 0 && { [TRACE_HEADERS.span]: payload(besides) }),
  };
}

/** Headers of the execution that goes on from here: it takes the open span along. */
export function headersOfContinuation(headers: Headers): Headers {
  return headersFromHere(headers, open ? { open } : {});
}
