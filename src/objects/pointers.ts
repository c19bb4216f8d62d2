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
  /** What it points at is to stay: movers that respect a hold leave it, until an entry without the mark follows. */
  readonly held?: boolean;
}

/** Who moves a pointer, and why. */
export interface PointerMover {
  readonly operationId: string;
  readonly author: string;
  readonly reason: string;
  readonly held?: boolean;
}

/** Append-only logs of pointer moves: aliases, heads. Rolling back is moving on to an earlier target. */
export interface PointerLog {
  /** Appends, or finds, the move of this operation. Racing writers each get their own number. */
  move(pointer: string, target: string, by: PointerMover): Promise<PointerEntry>;
  /**
   * Moves the pointer only if its head's target still is `expected` (null: never moved). An operation that has moved it already gets its entry.
   * @returns null when another writer moved it first: look again, and decide again.
   */
  moveFrom(
    pointer: string,
    expected: string | null,
    target: string,
    by: PointerMover,
  ): Promise<PointerEntry | null>;
  /**
   * Moves the pointer only if `may` says yes to the head that the move would follow (null: never moved). It is asked again
   * whenever another writer comes first, so what it says holds for the very entry before. An operation that has moved it
   * already gets its entry.
   * @returns null when `may` says no.
   */
  moveIf(
    pointer: string,
    target: string,
    by: PointerMover,
    may: (head: PointerEntry | null) => boolean,
  ): Promise<PointerEntry | null>;
  head(pointer: string): Promise<PointerEntry | null>;
  entries(pointer: string): Promise<PointerEntry[]>;
}
