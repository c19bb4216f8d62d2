/** What a process is told of traces; see `tracing` of the settings. */
export interface TracingOptions {
  /** Name of this process: `titrate-gpu`. */
  readonly service: string;
  /** Where spans are sent by OTLP over HTTP: the whole address. */
  readonly endpoint?: string;
  /** Where spans are written as OTLP JSON lines. */
  readonly directory?: string;
  /** Whether processes of this name come and go: those of a day share a file. */
  readonly shortLived?: boolean;
  /** Of all rounds, 0 to 1. */
  readonly share: number;
  /** Of HTTP requests that bring no trace along, 0 to 1. */
  readonly requests: number;
  /** Told how many spans went where. */
  readonly onSpans?: (outcome: SpanOutcome, count: number) => void;
}

/** `dropped`: the queue was full. `failed`: they could not be sent or written. */
export type SpanOutcome = 'exported' | 'dropped' | 'failed';
