import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

export interface SpanParts {
  readonly name?: string;
  readonly traceId?: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind?: SpanKind;
  /** Seconds since 1970. */
  readonly from?: number;
  readonly to?: number;
  readonly failure?: string;
  readonly attributes?: ReadableSpan['attributes'];
}

export const TRACE = 'a'.repeat(32);
export const resource = new Resource({ 'service.name': 'titrate-gpu', 'service.instance.id': 'host/7' });

export function spanOf(parts: SpanParts): ReadableSpan {
  const { name = parts.spanId, traceId = TRACE, from = 1_700_000_000, to = from + 1 } = parts;
  const spanId = parts.spanId.padStart(16, '0');
  const at = (seconds: number): [number, number] => [
    Math.floor(seconds),
    Math.round((seconds % 1) * 1e6) * 1000,
  ];
  return {
    ...{ name, kind: parts.kind ?? SpanKind.CONSUMER },
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    parentSpanId: parts.parentSpanId?.padStart(16, '0'),
    ...{ startTime: at(from), endTime: at(to), duration: at(to - from) },
    status:
      parts.failure === undefined
        ? { code: SpanStatusCode.UNSET }
        : { code: SpanStatusCode.ERROR, message: parts.failure },
    attributes: parts.attributes ?? {},
    ...{ links: [], events: [], ended: true, resource },
    instrumentationLibrary: { name: 'titrate', version: '1' },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  };
}
