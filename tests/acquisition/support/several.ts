import type { ChooseRequest, FurtherObjective, Surrogate } from '../../../src/acquisition';
import { createRandom, deriveSeed } from '../../../src/foundation';
import { idOf, randomPool, requestOf, surrogateOf, type Overrides, type Pool } from './requests';

/** A property of a campaign: what its model thinks of the pool, and what was measured. */
export interface Property {
  readonly property: string;
  readonly direction: 'maximize' | 'minimize';
  readonly pool: Pool;
  /** What the model thinks of measured molecules; of others it thinks 0 ± 1. */
  readonly elsewhere?: Pool;
  readonly values: ReadonlyMap<string, number>;
  readonly reference?: number;
}

export const measuredId = (i: number) => idOf(`measured ${i}`);

/** `count` properties of the same random pool; molecules that are measured have each value with a probability of `complete`. */
export function randomProperties(
  count: number,
  molecules: number,
  seed: number,
  { measured = 8, complete = 0.8 } = {},
): Property[] {
  const ids = randomPool(molecules, seed).ids;
  return Array.from({ length: count }, (_, i) => {
    const random = createRandom(seed + 7919 * (i + 1));
    const values = new Map<string, number>();
    for (let at = 0; at < measured; at++) {
      const value = random.normal();
      // Two are whole, so that no property is without values, or has but one.
      if (at < 2 || random.next() < complete) values.set(measuredId(at), value);
    }
    return {
      property: `property ${'abcd'[i]}`,
      direction: i % 2 === 0 ? 'maximize' : 'minimize',
      pool: { ids, mean: ids.map(() => random.normal()), sigma: ids.map(() => 0.05 + random.next()) },
      elsewhere: {
        ids: Array.from({ length: measured }, (_, at) => measuredId(at)),
        mean: Array.from({ length: measured }, () => random.normal()),
        sigma: Array.from({ length: measured }, () => random.next()),
      },
      values,
    };
  });
}

/** As `surrogateOf`, with draws that take one seed a row: a batch asks for many. */
function surrogateFor({ pool, elsewhere }: Property): Surrogate {
  const all: Pool = {
    ids: [...pool.ids, ...(elsewhere?.ids ?? [])],
    mean: [...pool.mean, ...(elsewhere?.mean ?? [])],
    sigma: [...pool.sigma, ...(elsewhere?.sigma ?? [])],
  };
  const { model, calibrationScale } = surrogateOf(all);
  const sample: Surrogate['model']['sample'] = async (features, count, seed) => {
    const { mean, epistemic } = await model.predict(features);
    const draws = Array.from({ length: count }, () => new Float64Array(features.rows));
    features.moleculeIds.forEach((_id, row) => {
      // By position, as models draw: whoever asks in another order gets other draws.
      const random = createRandom(deriveSeed(seed, row));
      for (const draw of draws) draw[row] = mean[row]! + epistemic[row]! * random.normal();
    });
    return draws;
  };
  return { model: { ...model, sample }, calibrationScale };
}

const furtherOf = (property: Property): FurtherObjective => {
  const { pool: _, elsewhere: __, ...rest } = property;
  return { ...rest, surrogate: surrogateFor(property) };
};

/** A request for the trade-off of the properties. */
export function severalOf(properties: readonly Property[], overrides: Overrides = {}): ChooseRequest {
  const [first, ...others] = properties;
  const { property, direction, surrogate, values, reference } = furtherOf(first!);
  const { acquisition, ...rest } = overrides;
  return requestOf(first!.pool, {
    ...{ property, direction, surrogate, values, others: others.map(furtherOf) },
    ...(reference !== undefined && { reference }),
    ...{
      goal: { kind: 'pareto' },
      incumbent: null,
      measured: [...new Set(properties.flatMap((p) => [...p.values.keys()]))],
    },
    ...rest,
    acquisition: { strategy: 'ehvi', batching: 'auto', ...acquisition },
  });
}
