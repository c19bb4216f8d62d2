import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { SpanOutcome } from './options';

export interface SpanQueueOptions {
  /** Spans that wait at most; more are dropped, and counted. Default 8,192. */
  readonly maxSpans?: number;
  /** Spans that go out together. Default 512. */
  readonly batch?: number;
  /** How long a span waits for others, milliseconds. Default 5,000, as the SDK's own processor: a file is written to that often at most. */
  readonly delayMs?: number;
  readonly onSpans?: (outcome: SpanOutcome, count: number) => void;
}

/**
 * Between work that ends spans and what they are sent to. Ending one costs a push; what is slow or away makes the queue full, and
 * then spans are dropped rather than anything kept waiting. (The SDK's own batch processor drops without saying how many.)
 */
export class SpanQueue implements SpanProcessor {
  private waiting: ReadableSpan[] = [];
  private timer: NodeJS.Timeout | null = null;
  private sending: Promise<void> | null = null;
  private closed = false;
  private readonly maxSpans: number;
  private readonly batch: number;
  private readonly delayMs: number;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly options: SpanQueueOptions = {},
  ) {
    this.maxSpans = options.maxSpans ?? 8192;
    this.batch = options.batch ?? 512;
    this.delayMs = options.delayMs ?? 5000;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.closed || this.waiting.length >= this.maxSpans) {
      this.options.onSpans?.('dropped', 1);
      return;
    }
    this.waiting.push(span);
    if (this.waiting.length >= this.batch) void this.send();
    else if (!this.timer) {
      this.timer = setTimeout(() => void this.send(), this.delayMs);
      // Spans alone keep no process alive.
      this.timer.unref();
    }
  }

  /** Sends what waits. Never rejects: what could not be sent is counted. */
  async forceFlush(): Promise<void> {
    while (this.waiting.length > 0 || this.sending) await this.send();
  }

  async shutdown(): Promise<void> {
    this.closed = true;
    await this.forceFlush();
    await this.exporter.shutdown().catch(() => undefined);
  }

  /** One batch after the other. */
  private send(): Promise<void> {
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  private async sendAll(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    while (this.waiting.length > 0) {
      const spans = this.waiting.splice(0, this.batch);
      const outcome = await new Promise<SpanOutcome>((resolve) => {
        try {
          this.exporter.export(spans, ({ code }) =>
            resolve(code === ExportResultCode.SUCCESS ? 'exported' : 'failed'),
          );
        } catch {
          resolve('failed');
        }
      });
      this.options.onSpans?.(outcome, spans.length);
    }
  }
}
