import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { OtlpAttribute, OtlpSpan, OtlpTraces, OtlpValue } from './otlp-json';
import { SPAN_FILE } from './span-files';

type Value = string | number | boolean;

/** A span as it was read back. Times in milliseconds since 1970, with fractions. */
export interface StoredSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly startMs: number;
  readonly endMs: number;
  /** Why it failed; null when it did not. */
  readonly failure: string | null;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** `titrate-gpu`, and the process of it. */
  readonly service: string;
  readonly process: string;
}

const KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const ERROR = 2;

/** The spans of one trace, of all files of a directory, by their start. A span that was handed over twice counts once. */
export async function readTrace(directory: string, traceId: string): Promise<StoredSpan[]> {
  const found = new Map<string, StoredSpan>();
  for await (const span of spansWith(directory, traceId))
    if (span.traceId === traceId) found.set(span.spanId, span);
  return [...found.values()].sort((a, b) => a.startMs - b.startMs || b.endMs - a.endMs);
}

/** The rounds of a campaign that there are spans of, in order. */
export async function tracedRounds(directory: string, campaign: string): Promise<number[]> {
  const rounds = new Set<number>();
  for await (const { attributes } of spansWith(directory, JSON.stringify(campaign))) {
    const round = attributes['titrate.round'];
    if (attributes['titrate.campaign'] === campaign && typeof round === 'number') rounds.add(round);
  }
  return [...rounds].sort((a, b) => a - b);
}

/** Spans of the lines that have `text` in them. A line that was cut off when its process was killed is passed over. */
async function* spansWith(directory: string, text: string): AsyncGenerator<StoredSpan> {
  for (const file of (await filesIn(directory)).sort()) {
    const lines = createInterface({
      input: createReadStream(path.join(directory, file)),
      crlfDelay: Infinity,
    });
    for await (const line of lines) {
      if (!line.includes(text)) continue;
      let traces: OtlpTraces;
      try {
        traces = JSON.parse(line) as OtlpTraces;
      } catch {
        continue;
      }
      yield* spansOf(traces);
    }
  }
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => SPAN_FILE.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function* spansOf({ resourceSpans }: OtlpTraces): Generator<StoredSpan> {
  for (const { resource, scopeSpans } of resourceSpans) {
    const of = valuesOf(resource.attributes);
    const process = String(of['service.instance.id'] ?? '');
    for (const { spans } of scopeSpans)
      for (const span of spans) yield stored(span, String(of['service.name'] ?? ''), process);
  }
}

const stored = (span: OtlpSpan, service: string, process: string): StoredSpan => ({
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId || null,
  name: span.name,
  kind: KINDS[span.kind] ?? 'internal',
  startMs: milliseconds(span.startTimeUnixNano),
  endMs: milliseconds(span.endTimeUnixNano),
  failure: span.status?.code === ERROR ? (span.status.message ?? 'failed') : null,
  attributes: valuesOf(span.attributes),
  links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
  ...{ service, process },
});

/** Nanoseconds since 1970 have more digits than a number holds. */
const milliseconds = (nano: string) => Number(BigInt(nano) / 1000n) / 1000;

function valuesOf(attributes: readonly OtlpAttribute[] = []): Record<string, Value> {
  return Object.fromEntries(
    attributes.flatMap(({ key, value }) => {
      const found = valueOf(value);
      return found === undefined ? [] : [[key, found]];
    }),
  );
}

function valueOf(value: OtlpValue): Value | undefined {
  const { stringValue, intValue, doubleValue, boolValue } = value;
  return stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue) : Number(intValue));
}
