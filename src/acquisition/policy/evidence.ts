/** What a campaign knows of itself when it chooses a batch: what the policy decides from. */
export interface Evidence {
  /** Molecules with a usable value. */
  readonly labels: number;
  /** 1 for the first batch. */
  readonly round: number;
  /** Batches after this one that the budget allows; absent where it sets no end. */
  readonly roundsLeft?: number;
  /** Of the model's predictions of molecules it was not trained on. */
  readonly heldOut?: {
    readonly rmse: number;
    /** Standard deviation of the values: what predicting their mean would err by. */
    readonly spread: number;
    /** Rank correlation of predicted and measured. */
    readonly spearman: number;
    /** Share of measured values in the stated 90 % interval. */
    readonly coverage90?: number;
  };
  /** What has been found so far. */
  readonly found?: {
    /** Best measured value. */
    readonly best?: number;
    /** Values at or beyond the threshold, or in the range. */
    readonly hits?: number;
    /** Whether every value is 0 or 1. */
    readonly binary?: boolean;
  };
}
