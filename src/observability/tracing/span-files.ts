import { appendFile, mkdir, readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { SpanKind } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { otlpJson } from './otlp-json';

/** A file of spans is followed by another at this size. */
const MAX_FILE_BYTES = 64 * 2 ** 20;
/** Requests from outside have one file a process, and the one before it. */
const MAX_REQUEST_FILE_BYTES = 16 * 2 ** 20;
/** Temporal's histories are kept for as long on this machine. */
const KEPT_DAYS = 90;
const DAY_MS = 86_400_000;

export const SPAN_FILE = /\.jsonl$/;
/** Requests that brought no trace along lie apart: they may be many, and must not push a round's spans out. */
export const REQUESTS = 'requests';

/**
 * Spans as files: one line of OTLP JSON a batch, as the collector's file receiver reads them. A process writes a file of its own;
 * files older than 90 days are deleted when one starts.
 */
export class SpanFiles implements SpanExporter {
  private readonly name: string;
  private part = 0;
  private tidied: boolean;
  private made = false;

  constructor(
    private readonly directory: string,
    service: string,
    shortLived = false,
  ) {
    const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    this.name = `${service}-${shortLived ? now.slice(0, 8) : `${now}-${process.pid}`}`;
    // Tidying is for those who stay.
    this.tidied = shortLived;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.write(spans).then(
      () => done({ code: ExportResultCode.SUCCESS }),
      (error: Error) => done({ code: ExportResultCode.FAILED, error }),
    );
  }

  async shutdown(): Promise<void> {}

  private async write(spans: readonly ReadableSpan[]): Promise<void> {
    if (!this.tidied) await this.tidy();
    else if (!this.made) await mkdir(path.join(this.directory, REQUESTS), { recursive: true });
    this.made = true;
    const outside = spans.filter(isOutside);
    const inside = spans.filter((span) => !isOutside(span));
    if (inside.length) {
      const file = path.join(this.directory, `${this.name}${this.part ? `-${this.part}` : ''}.jsonl`);
      if ((await append(file, inside)) > MAX_FILE_BYTES) this.part++;
    }
    if (outside.length) {
      const file = path.join(this.directory, REQUESTS, `${this.name}.jsonl`);
      if ((await append(file, outside)) > MAX_REQUEST_FILE_BYTES) await rename(file, `${file}.before`);
    }
  }

  private async tidy(): Promise<void> {
    this.tidied = true;
    await mkdir(path.join(this.directory, REQUESTS), { recursive: true });
    const oldest = Date.now() - KEPT_DAYS * DAY_MS;
    for (const at of [this.directory, path.join(this.directory, REQUESTS)]) {
      for (const entry of await readdir(at, { withFileTypes: true })) {
        const file = path.join(at, entry.name);
        if (!entry.isFile() || !/\.jsonl(\.before)?$/.test(entry.name)) continue;
        // Another process may be tidying too.
        const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
        if (mtimeMs < oldest) await unlink(file).catch(() => undefined);
      }
    }
  }
}

const isOutside = ({ kind, parentSpanId }: ReadableSpan) => kind === SpanKind.SERVER && !parentSpanId;

/** @returns size of the file afterwards, bytes */
async function append(file: string, spans: ReadableSpan[]): Promise<number> {
  await appendFile(file, `${JSON.stringify(otlpJson(spans))}\n`);
  return (await stat(file)).size;
}
