/** Candidates with what the model says of them, calibrated; sigma is epistemic, noise aleatoric. */
export interface Beliefs {
  readonly moleculeIds: readonly string[];
  readonly mean: Float64Array;
  readonly sigma: Float64Array;
  readonly noise: Float64Array;
}

/** Candidates in the order of their scores. */
export interface Ranked extends Beliefs {
  readonly score: Float64Array;
}

/** What the models of several properties say of a molecule, property by property, scaled: known values have no deviation. */
export interface Moments {
  readonly moleculeId: string;
  readonly mean: Float64Array;
  readonly sigma: Float64Array;
  /** By itself. */
  readonly score: number;
}

/** The best `count` of some candidates, best first; fewer where no more could be scored. */
export interface Listed<T> {
  readonly count: number;
  readonly best: T;
}

/** The best of all candidates that were offered before anything was picked. */
export interface ScoredLists {
  /** By `key` of the utility. */
  readonly byUtility: ReadonlyMap<string, Listed<Ranked>>;
  /** By what a candidate is expected to add to the front. */
  readonly byFront?: Listed<readonly Moments[]>;
}
