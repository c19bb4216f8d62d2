import type { ChosenPick, PassedOver } from './acquisition';
import type { BatchDraft } from './constraints/rules';
import { REQUIRED_REASON } from './reasons';

/** Candidates told of beside a pick that they stood above, and beside the batch, at most. */
export const TOLD = 3;

/** A batch as it is filled: what is offered still, what the rules allow, what has been picked. */
export class Batch {
  readonly picks: ChosenPick[] = [];
  private readonly taken = new Set<string>();
  private readonly refused = new Set<string>();
  private skipped: PassedOver[] = [];
  private following: PassedOver[] = [];

  /** @param offered candidates that any batch may hold; those taken or refused leave it. */
  constructor(
    readonly size: number,
    readonly offered: Set<string>,
    private readonly draft: BatchDraft | null,
  ) {}

  get left(): number {
    return Math.max(0, this.size - this.picks.length);
  }

  /** The best that were not taken. */
  get passedOver(): readonly PassedOver[] {
    return this.following.filter(({ moleculeId }) => !this.taken.has(moleculeId)).slice(0, TOLD);
  }

  /** Tells, beside the batch, of candidates that came next, best first; what the first strategy says of them stays. */
  cameNext(candidates: readonly PassedOver[]): void {
    if (this.following.length === 0) this.following = [...candidates];
  }

  has(moleculeId: string): boolean {
    return this.taken.has(moleculeId);
  }

  /**
   * Whether a candidate can be taken now. One that the rules refuse is refused for good, and told of beside the next pick.
   * @param value of the acquisition function, where it has one
   */
  allows(moleculeId: string, value?: number): boolean {
    if (!this.offered.has(moleculeId)) return false;
    if (!this.draft || this.draft.fits(moleculeId)) return true;
    this.offered.delete(moleculeId);
    this.refused.add(moleculeId);
    if (value !== undefined) this.passOver({ moleculeId, value, why: this.draft.whyNot(moleculeId) ?? '' });
    return false;
  }

  /** Tells, beside the next pick, of a candidate that stood higher by itself. */
  passOver(candidate: PassedOver): void {
    if (this.skipped.length < TOLD) this.skipped.push(candidate);
  }

  /** Takes what the rules ask for, as far as there is room. */
  takeRequired(): void {
    for (const moleculeId of this.draft?.required ?? [])
      if (this.left > 0 && this.allows(moleculeId))
        this.take({ moleculeId, strategy: 'required', reason: REQUIRED_REASON });
  }

  take(pick: ChosenPick): void {
    this.draft?.take(pick.moleculeId);
    this.offered.delete(pick.moleculeId);
    this.taken.add(pick.moleculeId);
    this.picks.push(this.skipped.length > 0 ? { ...pick, passedOver: this.skipped } : pick);
    this.skipped = [];
  }
}
