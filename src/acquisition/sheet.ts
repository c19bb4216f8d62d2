import type { PassedOverMolecule, Pick as SheetPick } from '../contracts';
import { Z90 } from '../foundation';
import type { ChosenPick, PassedOver } from './acquisition';
import type { Decision } from './policy';

/** A pick as the lab's sheet has it. @param smilesOf of candidates and measured molecules, as far as they are known */
export function pickOf(
  { moleculeId, strategy, value, reason, predicted, others, terms, nearest, teaches }: ChosenPick,
  rank: number,
  smilesOf: (moleculeId: string) => string | undefined,
): SheetPick {
  const nearestSmiles = nearest && smilesOf(nearest.moleculeId);
  return {
    rank,
    moleculeId,
    smiles: smilesOf(moleculeId)!,
    ...(predicted && {
      predicted: predicted.mean,
      standardDeviation: predicted.total,
      interval90: [predicted.mean - Z90 * predicted.total, predicted.mean + Z90 * predicted.total],
    }),
    ...(others && { others: [...others] }),
    ...(value !== undefined && { acquisition: value }),
    strategy,
    reason,
    ...(terms && { terms: { ...terms } }),
    ...(nearest && {
      nearest: { ...nearest, ...(nearestSmiles !== undefined && { smiles: nearestSmiles }) },
    }),
    ...(teaches !== undefined && { teaches }),
  };
}

/** Told of on a sheet, at most: those beside the first picks go first, then those that came next. */
const TOLD = 20;

/** Who was passed over, each once, as the sheet has it. */
export function passedOverOf(
  picks: readonly Pick<ChosenPick, 'moleculeId' | 'passedOver'>[],
  next: readonly PassedOver[],
  smilesOf: (moleculeId: string) => string | undefined,
): PassedOverMolecule[] {
  const told = new Map<string, PassedOver>();
  const picked = new Set(picks.map(({ moleculeId }) => moleculeId));
  for (const passed of [...picks.flatMap(({ passedOver }) => passedOver ?? []), ...next])
    if (!picked.has(passed.moleculeId) && !told.has(passed.moleculeId)) told.set(passed.moleculeId, passed);
  return [...told.values()].slice(0, TOLD).map(({ moleculeId, value, why }) => ({
    moleculeId,
    smiles: smilesOf(moleculeId) ?? '',
    // JSON has no infinities: the logarithm of no improvement at all is told by its absence.
    ...(Number.isFinite(value) && { value }),
    why,
  }));
}

/** What chose a batch, in short: `log-ei`, or `80 % log-ei, 20 % maxmin`. */
export function decisionName({ parts }: Decision): string {
  if (parts.length === 1) return parts[0]!.strategy;
  return parts.map(({ strategy, share }) => `${Number((100 * share).toFixed(0))} % ${strategy}`).join(', ');
}
