import type { StandardisedSource, StandardiseRequest } from '../contracts';
import type { StepOutcome } from '../objects';

export interface BulkProgress {
  /** Rows done so far, accepted or not. */
  readonly rows: number;
  /** Raw bytes read so far, and all of them; for a time estimate. */
  readonly bytes?: number;
  readonly totalBytes?: number;
  /** Where the work runs elsewhere: its job's id and state. */
  readonly job?: string;
  readonly state?: string;
}

/**
 * Reads and standardises a whole landed source, in parts of PART_ROWS records; each part is a cached step, so what was done before a
 * kill is not done again. Every adapter gives the same parts, bit for bit. Adapters: inline (this process), Dataflow.
 */
export interface BulkProcessor {
  readonly kind: 'inline' | 'dataflow';
  /** @throws TitrateError format-unknown, source-unreadable, column-missing, config-invalid; cancelled when `signal` fires. */
  standardise(
    request: StandardiseRequest,
    options?: { readonly signal?: AbortSignal; readonly onProgress?: (progress: BulkProgress) => void },
  ): Promise<StepOutcome<StandardisedSource>>;
  close(): Promise<void>;
}

/** Records of a source that make a part. */
export const PART_ROWS = 8192;
