/** What a batch adds to an epoch's books: plain negative log likelihoods, nats. */
export interface BatchLoss {
  /** Sum over rows that teach the mean. */
  readonly training: number;
  /** Sum over rows that teach the variance. */
  readonly heldOut: number;
}

/** Where the outputs of one property lie among all: of batch row i from `offset + stride * i`; what its loss is multiplied by. */
export interface OutputPlace {
  readonly offset: number;
  readonly stride: number;
  readonly weight: number;
}
/** log(1 + e^x) without overflow. */
export const softplus = (x: number): number => (x > 30 ? x : Math.log1p(Math.exp(x)));
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
