/** One dimension of a search. */
export type SearchParameter =
  | {
      readonly name: string;
      readonly kind: 'real';
      readonly low: number;
      readonly high: number;
      /** `log`: as much between 0.001 and 0.01 as between 0.01 and 0.1. */
      readonly scale: 'linear' | 'log';
    }
  | { readonly name: string; readonly kind: 'integer'; readonly low: number; readonly high: number }
  | { readonly name: string; readonly kind: 'choice'; readonly values: readonly string[] };

export interface SearchSpace {
  readonly parameters: readonly SearchParameter[];
  readonly metric: { readonly name: string; readonly goal: 'minimise' | 'maximise' };
}

export type SuggestedSettings = Readonly<Record<string, number | string>>;

export interface Suggestion {
  readonly id: string;
  readonly settings: SuggestedSettings;
}

export interface JudgedSuggestion extends Suggestion {
  readonly value: number;
}

/** A search that goes on over many calls and processes. Every call may be made again: it then changes nothing more. */
export interface TuningStudy {
  /** @param question the same question gets the same answers, also when they have been judged meanwhile */
  suggest(question: string, count: number): Promise<Suggestion[]>;
  /** What a trial is worth so far. @param step rung or epoch, 1, 2, 3, … */
  report(id: string, step: number, value: number): Promise<void>;
  /** Whether a trial has so little prospect, by what was reported, that going on is a waste. It is told to stop then. */
  shouldStop(id: string): Promise<boolean>;
  /** What a trial is worth in the end; or why it has no value. The first word stands. */
  complete(id: string, end: { readonly value: number } | { readonly infeasible: string }): Promise<void>;
  /** The best trials of those that are complete; several where they are equal. */
  optimal(): Promise<JudgedSuggestion[]>;
}

/**
 * Tuning by a service that learns from trial to trial. Adapter: Vizier of Vertex AI. The peer on one machine is `proposeTrials` of
 * src/learning, which proposes all its trials beforehand.
 */
export interface TuningService {
  /** The study of a name and a space: found again where it exists. */
  study(name: string, space: SearchSpace): Promise<TuningStudy>;
  close(): Promise<void>;
}
