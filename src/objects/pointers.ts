/** One move of a pointer: a numbered record, created exclusively, naming the one before it. */
export interface PointerEntry {
  readonly number: number;
  readonly pointer: string;
  readonly target: string;
  /** The same operation moves a pointer once, however often it is retried. */
  readonly operationId: string;
  readonly previous: string | null;
  readonly author: string;
  readonly reason: string;
  readonly at: string;
}

/** Append-only logs of pointer moves: aliases, heads. Rolling back is moving on to an earlier target. */
export interface PointerLog {
  /** Appends, or finds, the move of this operation. Racing writers each get their own number. */
  move(
    pointer: string,
    target: string,
    by: { operationId: string; author: string; reason: string },
  ): Promise<PointerEntry>;
  head(pointer: string): Promise<PointerEntry | null>;
  entries(pointer: string): Promise<PointerEntry[]>;
}
