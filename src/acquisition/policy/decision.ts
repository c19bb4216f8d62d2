import type { Strategy } from '../../contracts';

/** A part of a batch, chosen by one strategy. */
export interface DecisionPart {
  readonly strategy: Exclude<Strategy, 'auto'>;
  /** 'joint' accounts for what the batch already holds and for what is at the lab; 'top' ranks once. */
  readonly batching: 'top' | 'joint';
  /** Of the places that the random share leaves; the shares of all parts sum to 1. */
  readonly share: number;
}

/** How a batch is chosen. Plain JSON: part of the rule that the batch is sealed with. */
export interface Decision {
  /** Filled in this order. */
  readonly parts: readonly DecisionPart[];
  readonly kappa: number;
  /** Share of the batch drawn by chance from all candidates. */
  readonly randomShare: number;
  /** Plain sentences. */
  readonly why: string;
}
