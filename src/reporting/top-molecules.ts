import { TitrateError, type CampaignConfig } from '../contracts';
import type { Truth } from './reporting';

/** The K best molecules of a pool whose true values are known. */
export interface TopMolecules {
  readonly size: number;
  readonly poolSize: number;
  readonly fraction: number;
  /** True values, the best one first. */
  readonly bestFirst: readonly number[];
  /** Value of the last molecule of the top: whatever is as good belongs to it. */
  readonly threshold: number;
  isTop(moleculeId: string): boolean;
  /** How many of the top these distinct molecules hold: counted by value, never more than `size`. */
  found(moleculeIds: Iterable<string>): number;
  /** Expected count for `labelled` molecules taken at random: size x labelled / poolSize. */
  expectedFound(labelled: number): number;
}

/**
 * The top `round(fraction x poolSize)` molecules, at least one.
 * @throws TitrateError `usage` for a fraction outside (0, 1], for no values, or for a value that is not finite.
 */
export function topMolecules(
  truth: Truth,
  poolSize: number,
  direction: CampaignConfig['objective']['direction'],
): TopMolecules {
  const { values, topFraction } = truth;
  if (!(topFraction > 0 && topFraction <= 1)) {
    throw new TitrateError('usage', {
      what: `the top share of the pool is ${topFraction}; expected more than 0 and at most 1`,
      where: 'truth.topFraction',
      remedy: 'Give 0.1 for the best tenth',
    });
  }
  for (const [id, value] of values) {
    if (!Number.isFinite(value)) {
      throw new TitrateError('usage', {
        what: `the true value of ${id} is ${value}`,
        where: 'truth.values',
        remedy: 'Leave out molecules whose value is not known',
      });
    }
  }
  if (values.size === 0 || poolSize < 1) {
    throw new TitrateError('usage', {
      what: 'there are no true values to compare with',
      where: 'truth.values',
    });
  }
  const sign = direction === 'maximize' ? 1 : -1;
  const bestFirst = [...values.values()].sort((a, b) => sign * (b - a));
  const size = Math.min(Math.max(1, Math.round(topFraction * poolSize)), bestFirst.length);
  const threshold = bestFirst[size - 1]!;
  const isTop = (id: string) => {
    const value = values.get(id);
    return value !== undefined && sign * value >= sign * threshold;
  };
  return {
    size,
    poolSize,
    fraction: topFraction,
    bestFirst,
    threshold,
    isTop,
    found(moleculeIds) {
      let found = 0;
      for (const id of moleculeIds) if (isTop(id)) found++;
      return Math.min(found, size);
    },
    expectedFound: (labelled) => (size * labelled) / poolSize,
  };
}
