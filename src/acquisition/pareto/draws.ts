import { deriveSeed } from '../../foundation';
import type { ChooseRequest } from '../acquisition';
import { beliefsOf, type Beliefs } from '../scoring';
import { scaled, type TradeOff } from './trade-off';

/** Joint draws of every property at the same molecules, scaled; a value that was measured is the same in all of them. */
export interface Draws {
  readonly moleculeIds: readonly string[];
  readonly count: number;
  /** By property: rows x count. */
  readonly values: readonly Float64Array[];
  /** What the models say of the molecules, by property, in its unit. */
  readonly beliefs: readonly Beliefs[];
}

/**
 * Draws from the models' joint posteriors, calibrated: deviations from the mean times the scale. Properties are independent given the molecules,
 * as their models are.
 * @throws as the models
 */
export async function drawJointly(
  request: ChooseRequest,
  { objectives }: TradeOff,
  moleculeIds: readonly string[],
  count: number,
  purpose: string,
): Promise<Draws> {
  const features = await request.featuresOf(moleculeIds);
  const values: Float64Array[] = [];
  const all: Beliefs[] = [];
  for (const each of objectives) {
    const { model, calibrationScale: scale } = each.surrogate;
    const beliefs = beliefsOf(features, await model.predict(features, request.signal), scale);
    const seed = deriveSeed(request.seed, purpose, each.property);
    const draws = await model.sample(features, count, seed, request.signal);
    const own = new Float64Array(moleculeIds.length * count);
    moleculeIds.forEach((id, row) => {
      const known = each.values.get(id);
      const mean = beliefs.mean[row]!;
      for (let k = 0; k < count; k++)
        own[row * count + k] = scaled(each, known ?? mean + scale * (draws[k]![row]! - mean));
    });
    values.push(own);
    all.push(beliefs);
  }
  return { moleculeIds, count, values, beliefs: all };
}
