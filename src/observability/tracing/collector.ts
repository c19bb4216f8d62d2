import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';

/** A collector that does not take a batch in this time, repetitions included, has failed, milliseconds. */
const SEND_TIMEOUT_MS = 5000;

/** Sends spans by OTLP over HTTP. The client is loaded when there is something to send: it costs what loading it costs. */
export class Collector implements SpanExporter {
  private client: Promise<SpanExporter> | null = null;

  /** @param url the whole address, /v1/traces and all */
  constructor(private readonly url: string) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.client ??= import('@opentelemetry/exporter-trace-otlp-http').then(
      ({ OTLPTraceExporter }) =>
        new OTLPTraceExporter({ url: this.url, timeoutMillis: SEND_TIMEOUT_MS }) as SpanExporter,
    );
    this.client.then(
      (client) => client.export(spans, done),
      (error: Error) => done({ code: ExportResultCode.FAILED, error }),
    );
  }

  async shutdown(): Promise<void> {
    await (await this.client)?.shutdown();
  }
}
