import { prospectsOf, type Surrogate } from '../../src/acquisition';
import type { FeatureMatrix, Pick, Prospects } from '../../src/contracts';
import type { AcquireRequest } from './acquire-request';

interface LookAhead {
  readonly candidates: readonly string[];
  readonly surrogate: Surrogate | null;
  readonly picks: readonly Pick[];
  readonly features: () => AsyncIterable<FeatureMatrix>;
  readonly featuresOf: (moleculeIds: readonly string[]) => Promise<FeatureMatrix>;
  readonly signal: AbortSignal;
}

/** What the model expects of the molecules left; null where nobody asks, or there is nothing to go by. */
export async function lookAhead(
  { objective, cut, prospects, seed }: AcquireRequest,
  { candidates, surrogate, picks, features, featuresOf, signal }: LookAhead,
): Promise<Prospects | null> {
  if (!prospects || !surrogate || !cut.best || candidates.length === 0) return null;
  const found = await prospectsOf({
    moleculeIds: candidates,
    batch: picks.map(({ moleculeId }) => moleculeId),
    ...{ surrogate, features, featuresOf },
    direction: objective.direction,
    best: cut.best.value,
    ...{ margin: prospects.margin, seed, signal },
  });
  const prices = picks.flatMap(({ cost }) => (cost === undefined ? [] : [cost]));
  return {
    ...found,
    ...(prices.length > 0 && { batchPrice: prices.reduce((sum, price) => sum + price, 0) }),
  };
}
