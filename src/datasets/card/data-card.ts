/** Five numbers and the moments of values without a bound. Quantiles are interpolated linearly (Hyndman and Fan 1996, type 7). */
export interface Distribution {
  readonly min: number;
  readonly p05: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p95: number;
  readonly max: number;
  readonly mean: number;
  /** Sample standard deviation. */
  readonly standardDeviation: number;
}

/** Values of one assay in one unit. */
export interface ValueSummary {
  readonly assay: string | null;
  readonly unit: string | null;
  readonly rows: number;
  readonly molecules: number;
  readonly qualifiers: { readonly '=': number; readonly '<': number; readonly '>': number };
  /** Of the rows with '='; null where there are none. */
  readonly distribution: Distribution | null;
  readonly replicates: {
    /** Molecules with 1, 2, 3, and with 4 or more values without a bound. */
    readonly molecules: readonly [number, number, number, number];
    /** Square root of the variance within molecules, pooled over those with two values or more; null where none has. */
    readonly pooledStandardDeviation: number | null;
    /** The molecule whose values differ most. */
    readonly widest: { readonly moleculeId: string; readonly smiles: string; readonly spread: number } | null;
  };
}

export interface SharedPart {
  readonly shared: number;
  /** Of the distinct ones of `test`. */
  readonly share: number;
}

/** How much of one source another one has seen. */
export interface SourceOverlap {
  readonly train: string;
  readonly test: string;
  readonly molecules: SharedPart;
  /** First blocks of InChIKeys: the same atoms and bonds, whatever the stereochemistry or isotopes. */
  readonly skeletons: SharedPart;
  /** Bemis-Murcko scaffolds with rings, of the molecules that were looked at. */
  readonly scaffolds: SharedPart;
}

/** What a split into folds would let through, each fold tested on a model that learned from the others. */
export interface SplitLeakage {
  /** Molecules in each fold. */
  readonly folds: readonly number[];
  /** Share of test molecules with rings whose scaffold occurs in training. */
  readonly scaffolds: number;
  /** Share of test molecules whose skeleton occurs in training. */
  readonly skeletons: number;
}

/** What is in a dataset version: a pure function of the version, the seed and the chemistry. */
export interface DataCard {
  readonly schema: 'titrate.data-card/1';
  readonly dataset: string;
  readonly version: string;
  readonly parent: string | null;
  readonly ruleSet: string;
  readonly seed: number;
  readonly counts: {
    readonly rows: number;
    readonly molecules: number;
    readonly measuredRows: number;
    readonly measuredMolecules: number;
    readonly quarantinedRows: number;
  };
  readonly sources: readonly {
    readonly name: string;
    readonly sha256: string;
    readonly format: string | null;
    readonly accepted: number;
    readonly quarantined: number;
    /** Distinct; sources of the same bytes count together. */
    readonly molecules: number;
  }[];
  readonly quarantine: readonly {
    readonly reason: string;
    readonly rows: number;
    readonly example: string;
  }[];
  readonly values: readonly ValueSummary[];
  readonly conversions: readonly {
    readonly conversion: string;
    readonly from: string | null;
    readonly to: string | null;
    readonly rows: number;
  }[];
  readonly measuredAt: { readonly first: string; readonly last: string } | null;
  readonly duplicates: {
    readonly moleculesInSeveralRows: number;
    readonly mostRows: number;
    /** Skeletons that several molecules share: stereoisomers, tautomers that the rules keep apart, isotopes. */
    readonly sharedSkeletons: number;
    readonly moleculesWithSharedSkeleton: number;
    readonly examples: readonly { readonly skeleton: string; readonly smiles: readonly string[] }[];
  };
  readonly size: { readonly heavyAtoms: Distribution; readonly smilesCharacters: Distribution };
  readonly scaffolds: {
    /** Molecules that were looked at: all of them, or a random sample. */
    readonly lookedAt: number;
    readonly sampled: boolean;
    readonly withoutRings: number;
    readonly undetermined: number;
    readonly distinct: number;
    readonly singletons: number;
    readonly mostCommon: readonly { readonly scaffold: string; readonly molecules: number }[];
  };
  readonly leakage: {
    /** Of the sources with most molecules, each way. */
    readonly betweenSources: readonly SourceOverlap[];
    /** Of the molecules whose scaffolds were looked at. */
    readonly random: SplitLeakage;
    readonly scaffold: SplitLeakage;
  };
}
