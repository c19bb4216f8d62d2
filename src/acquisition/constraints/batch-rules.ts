import type { Constraints } from '../../contracts';
import { Neighbourhoods } from './clusters';
import type { MoleculeTable } from './table';

/** Why a rule about whole batches keeps a molecule out of one. */
export interface Refusal {
  /** The rule, the same for all that it refuses. */
  readonly rule: string;
  readonly words: string;
}

/** A rule about whole batches, at work on one of them. */
export interface BatchRule {
  refusal(moleculeId: string): Refusal | null;
  take(moleculeId: string): void;
}

export interface BatchRuleParts {
  readonly constraints: Constraints;
  readonly table: MoleculeTable;
  readonly costOf: (moleculeId: string) => number;
  /** Money that earlier batches cost. */
  readonly spent: number;
}

/** Sums of prices such as 0.1 + 0.2 are not held against a batch. */
const ROUNDING = 1e-9;

/** The rules about whole batches, for a new one. */
export function batchRules(parts: BatchRuleParts): BatchRule[] {
  const { perScaffold, perCluster, cost } = parts.constraints;
  return [
    ...(perScaffold === undefined ? [] : [scaffoldRule(parts, perScaffold)]),
    ...(perCluster === undefined ? [] : [clusterRule(parts, perCluster)]),
    ...(cost?.perBatch === undefined ? [] : [moneyRule(parts, 'a batch', cost.perBatch, cost.perBatch)]),
    ...(cost?.total === undefined
      ? []
      : [moneyRule(parts, 'the campaign', cost.total, Math.max(0, cost.total - parts.spent))]),
  ];
}

function scaffoldRule({ table }: BatchRuleParts, most: number): BatchRule {
  const taken = new Map<number, number>();
  const rule = `at most ${most} per scaffold`;
  return {
    refusal(moleculeId) {
      const scaffold = table.scaffold(moleculeId);
      if (scaffold < 0 || (taken.get(scaffold) ?? 0) < most) return null;
      return { rule, words: `the batch has ${most} of its scaffold already, as many as it may` };
    },
    take(moleculeId) {
      const scaffold = table.scaffold(moleculeId);
      taken.set(scaffold, (taken.get(scaffold) ?? 0) + 1);
    },
  };
}

function clusterRule(
  { table }: BatchRuleParts,
  { most, similarity }: NonNullable<Constraints['perCluster']>,
): BatchRule {
  const picked = new Neighbourhoods(most, similarity);
  const rule = `at most ${most} within Tanimoto similarity ${similarity} of one pick`;
  return {
    refusal: (moleculeId) =>
      picked.fits(table.fingerprint(moleculeId))
        ? null
        : { rule, words: `the batch has ${most} as similar as ${similarity} already, as many as it may` },
    take: (moleculeId) => picked.take(table.fingerprint(moleculeId)),
  };
}

function moneyRule({ costOf }: BatchRuleParts, whose: string, limit: number, available: number): BatchRule {
  let left = available;
  const rule =
    available === limit
      ? `money of ${whose} (${limit})`
      : `money of ${whose} (${shown(available)} left of ${limit})`;
  return {
    refusal(moleculeId) {
      const cost = costOf(moleculeId);
      if (cost <= left + ROUNDING * limit) return null;
      return { rule, words: `it costs ${cost}, and ${shown(left)} is left of the money of ${whose}` };
    },
    take(moleculeId) {
      left -= costOf(moleculeId);
    },
  };
}

/** Money without the dust of binary fractions. */
export const shown = (money: number): number => Number(money.toFixed(6));
