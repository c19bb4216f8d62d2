/** What every batch has to obey, as strategies see it: which molecules may be picked at all, and which still fit a batch. */
export interface BatchRules {
  /** Whether a molecule may be in any batch. */
  admits(moleculeId: string): boolean;
  /** Begins a batch of at most `size` molecules. */
  begin(size: number): BatchDraft;
}

/** A batch in the making. What is taken stays, and counts for what fits after it. */
export interface BatchDraft {
  /** Placed first, in this order, whatever their score. */
  readonly required: readonly string[];
  /** Places for molecules; fewer than asked for where only whole plates are filled. */
  readonly size: number;
  fits(moleculeId: string): boolean;
  /** Why a molecule does not fit, in words; null where it does. */
  whyNot(moleculeId: string): string | null;
  /** @throws internal where it does not fit: no batch breaks a rule, whatever asks for it */
  take(moleculeId: string): void;
}
