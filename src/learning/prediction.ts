import type { Prediction } from './learning';

/** A prediction of so many rows that is yet to be filled in. */
export const emptyPrediction = (rows: number): Prediction => ({
  mean: new Float64Array(rows),
  aleatoric: new Float64Array(rows),
  epistemic: new Float64Array(rows),
});

/** Total standard deviation of a measurement at each row: aleatoric and epistemic together. */
export function totalDeviation({
  aleatoric,
  epistemic,
}: Pick<Prediction, 'aleatoric' | 'epistemic'>): Float64Array {
  return aleatoric.map((sd, i) => Math.hypot(sd, epistemic[i]!));
}
