import type { Attributes, AttributeValue, HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** A value as OTLP JSON writes it; whole numbers are strings there (they may have 64 bits). */
export interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly OtlpValue[] };
}
export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0 not said, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message?: string };
}
export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version?: string };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

/**
 * Spans of one process as an ExportTraceServiceRequest in OTLP's JSON encoding (opentelemetry-proto 1.x, docs/specification.md#json-protobuf-encoding).
 * Written here since the package that has it loads all of protobuf with it: a tenth of a second for every command.
 */
export function otlpJson(spans: readonly ReadableSpan[]): OtlpTraces {
  const scopes = new Map<string, ReadableSpan[]>();
  for (const span of spans) {
    const { name } = span.instrumentationLibrary;
    const of = scopes.get(name);
    if (of) of.push(span);
    else scopes.set(name, [span]);
  }
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(spans[0]!.resource.attributes as Attributes) },
        scopeSpans: [...scopes].map(([name, of]) => ({
          scope: { name, version: of[0]!.instrumentationLibrary.version },
          spans: of.map(spanOf),
        })),
      },
    ],
  };
}

function spanOf(span: ReadableSpan): OtlpSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    ...{ traceId, spanId, parentSpanId: span.parentSpanId },
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: nanoseconds(span.startTime),
    endTimeUnixNano: nanoseconds(span.endTime),
    attributes: attributesOf(span.attributes),
    links: span.links.map(({ context }) => ({ traceId: context.traceId, spanId: context.spanId })),
    status: span.status,
  };
}

const nanoseconds = ([seconds, nano]: HrTime) => `${seconds}${String(nano).padStart(9, '0')}`;

const attributesOf = (attributes: Attributes): OtlpAttribute[] =>
  Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueOf(value) }],
  );

function valueOf(value: AttributeValue | null): OtlpValue {
  if (Array.isArray(value)) return { arrayValue: { values: value.map((one) => valueOf(one as string)) } };
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return {};
}
