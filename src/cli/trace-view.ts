import pc from 'picocolors';
import type { SpanNode } from '../observability/tracing/span-tree';
import { table } from './table';

/** What `titrate trace` answers: spans in the order of the tree. */
export interface TraceView {
  readonly campaign: string;
  readonly round: number;
  readonly traceId: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** From the start of the round to the batch; null while it is worked on. */
  readonly seconds: number | null;
  readonly processes: readonly string[];
  /** Seconds that tries of activities waited for a worker, by queue: all of them, and those on the critical path. */
  readonly waited: Readonly<Record<string, { readonly all: number; readonly critical: number }>>;
  readonly spans: readonly SpanView[];
}

export interface SpanView {
  readonly name: string;
  readonly depth: number;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  /** After the round began, seconds. */
  readonly start: number;
  readonly seconds: number;
  /** Waited for a worker, seconds; null where there is no queue. */
  readonly waited: number | null;
  readonly queue: string | null;
  readonly process: string;
  readonly attempt: number | null;
  readonly critical: boolean;
  readonly unfinished: boolean;
  /** It may outlast what it is under. */
  readonly beside: boolean;
  readonly failure: string | null;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

const MS = 1000;

export function traceView(
  { campaign, round, traceId }: Pick<TraceView, 'campaign' | 'round' | 'traceId'>,
  nodes: readonly SpanNode[],
): TraceView {
  const from = Math.min(...nodes.map(({ span }) => span.startMs));
  const work = nodes.find(({ span, depth }) => depth === 0 && span.name === 'round');
  const spans = nodes.map((node) => viewOf(node, from));
  const waited: Record<string, { all: number; critical: number }> = {};
  for (const span of spans) {
    if (span.queue === null || span.waited === null) continue;
    const sums = (waited[span.queue] ??= { all: 0, critical: 0 });
    sums.all += span.waited;
    if (span.critical) sums.critical += span.waited;
  }
  return {
    ...{ campaign, round, traceId },
    startedAt: new Date(from).toISOString(),
    seconds: work && !work.unfinished ? (work.span.endMs - work.span.startMs) / MS : null,
    processes: [
      ...new Set(spans.filter(({ unfinished }) => !unfinished).map(({ process }) => process)),
    ].sort(),
    ...{ waited, spans },
  };
}

function viewOf({ span, depth, critical, unfinished }: SpanNode, from: number): SpanView {
  const { attributes } = span;
  const number = (key: string) => (typeof attributes[key] === 'number' ? attributes[key] : null);
  const waitedMs = number('titrate.queue_ms');
  return {
    ...{ name: span.name, depth, spanId: span.spanId, parentSpanId: span.parentSpanId },
    start: (span.startMs - from) / MS,
    seconds: (span.endMs - span.startMs) / MS,
    waited: waitedMs === null ? null : waitedMs / MS,
    queue: typeof attributes['temporal.task_queue'] === 'string' ? attributes['temporal.task_queue'] : null,
    process: `${span.service.replace(/^titrate-/, '')} ${span.process}`,
    attempt: number('temporal.attempt'),
    ...{ critical, unfinished },
    beside: attributes['titrate.beside'] === true,
    ...{ failure: span.failure, attributes },
  };
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** `0.012 s`, `12.3 s`, `4 min 2 s`, `3 h 20 min`, `12 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(3)} s`;
  if (seconds < MINUTE) return `${seconds.toFixed(1)} s`;
  const [large, small, unit, less] =
    seconds < HOUR
      ? [MINUTE, 1, 'min', 's']
      : seconds < DAY
        ? [HOUR, MINUTE, 'h', 'min']
        : [DAY, HOUR, 'd', 'h'];
  return `${Math.floor(seconds / large)} ${unit} ${Math.floor((seconds % large) / small)} ${less}`;
}

/** For people: the tree, and what it comes to. */
export function showTrace(view: TraceView): string {
  const rows = view.spans.map((span) => [
    `${span.critical ? '*' : ' '} ${'  '.repeat(span.depth)}${nameOf(span)}`,
    `+${duration(span.start)}`,
    span.unfinished ? `${duration(span.seconds)} so far` : duration(span.seconds),
    span.waited === null ? null : duration(span.waited),
    span.queue,
    span.unfinished ? null : span.process,
    span.attempt,
  ]);
  const took = view.seconds === null ? 'still worked on' : `${duration(view.seconds)} to the batch`;
  return [
    pc.bold(`${view.campaign}, round ${view.round}: ${took}, begun ${view.startedAt}`),
    `trace ${view.traceId}: ${view.spans.length} spans of ${view.processes.length} processes`,
    '',
    table(['  span', 'begun', 'took', 'waited', 'queue', 'process', 'try'], rows),
    '',
    `* what the end of the round waited for: ${longest(view)}`,
    ...Object.entries(view.waited).map(
      ([queue, { all, critical }]) =>
        `waited for a worker of ${queue}: ${duration(all)} in all, ${duration(critical)} of what the end waited for`,
    ),
  ].join('\n');
}

function nameOf({ name, failure, unfinished, beside, attributes }: SpanView): string {
  const status = attributes['http.response.status_code'];
  const notes = [
    status !== undefined && String(status),
    beside && name !== 'lab' && 'beside',
    unfinished && 'not ended, or lost',
    failure !== null && status === undefined && `failed: ${failure.slice(0, 80)}`,
  ].filter(Boolean);
  return notes.length ? `${name} (${notes.join('; ')})` : name;
}

const SHOWN = 5;

/** The longest steps that nothing else is under. */
function longest({ spans }: TraceView): string {
  const critical = spans.filter((span) => span.critical);
  const parents = new Set(critical.map(({ parentSpanId }) => parentSpanId));
  const sums = new Map<string, number>();
  for (const { name, seconds } of critical.filter(({ spanId }) => !parents.has(spanId)))
    sums.set(name, (sums.get(name) ?? 0) + seconds);
  const sorted = [...sums].sort((a, b) => b[1] - a[1]).slice(0, SHOWN);
  return sorted.map(([name, seconds]) => `${name} ${duration(seconds)}`).join(', ') || 'not known yet';
}
