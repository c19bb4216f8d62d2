/** What is asked of a signal here; every `AbortSignal` is one. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  /** @throws the reason, once it is aborted */
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * An `AbortController` and its signal in one, for what is made a thousand times a second. Node's own outlive young-generation
 * collections together with all that they refer to, so that each request would cost a share of a full one; these die young. Every
 * listener is called once at most.
 */
export class Cancellation implements CancelSignal {
  private listeners: (() => void)[] = [];
  private isAborted = false;
  private why: unknown;

  get aborted(): boolean {
    return this.isAborted;
  }

  get reason(): unknown {
    return this.why;
  }

  throwIfAborted(): void {
    if (this.isAborted) throw this.why as Error;
  }

  /** A signal that is aborted already calls nobody, as an `AbortSignal` does not. */
  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.isAborted) this.listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.listeners.indexOf(listener);
    if (at >= 0) this.listeners.splice(at, 1);
  }

  /** Later calls change nothing. */
  abort(reason: unknown): void {
    if (this.isAborted) return;
    this.isAborted = true;
    this.why = reason;
    const told = this.listeners;
    this.listeners = [];
    for (const listener of told) listener();
  }
}
