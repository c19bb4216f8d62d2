import type { Pick, TrainingRow } from '../contracts';
import type { Dossier, LoadedCut, LoadedRound } from './dossier';

/**
 * What became of a pick. `no-value`: the lab gave up on it, and the campaign, which may propose failed molecules again, does
 * not keep apart whether it failed or was abandoned.
 */
export type OutcomeStatus = 'measured' | 'failed' | 'abandoned' | 'no-value' | 'pending';

export interface PickOutcome {
  readonly pick: Pick;
  readonly status: OutcomeStatus;
  /** The aggregated measurement, where there is one. */
  readonly row: TrainingRow | null;
  /** Whether it beat everything known when the batch was picked. */
  readonly improved: boolean;
}

/**
 * Outcomes of every round's batch, in the order of its sheet. A pick is judged by the last cut, or, where the same molecule
 * was proposed again later, by the cut that came before that.
 */
export function outcomesOf(dossier: Dossier): ReadonlyMap<LoadedRound, readonly PickOutcome[]> {
  const { rounds, cuts, record } = dossier;
  const sign = record.config.objective.direction === 'maximize' ? 1 : -1;
  const proposedAgain = new Map<string, number>();
  const outcomes = new Map<LoadedRound, PickOutcome[]>();
  for (let at = rounds.length - 1; at >= 0; at--) {
    const round = rounds[at]!;
    const best = round.cut.cut.best?.value ?? null;
    outcomes.set(
      round,
      (round.sheet?.picks ?? []).map((pick): PickOutcome => {
        const cutAt = proposedAgain.get(pick.moleculeId) ?? cuts.length - 1;
        const { status, row } =
          cutAt > at ? judge(pick.moleculeId, cuts[cutAt]!, record.config.lab.retryFailed) : UNKNOWN;
        const improved =
          row !== null && row.qualifier === '=' && best !== null && sign * row.value > sign * best;
        return { pick, status, row, improved };
      }),
    );
    for (const pick of round.sheet?.picks ?? []) proposedAgain.set(pick.moleculeId, at);
  }
  return outcomes;
}

const UNKNOWN = { status: 'pending', row: null } as const;

function judge(
  moleculeId: string,
  cut: LoadedCut,
  retryFailed: boolean,
): { status: OutcomeStatus; row: TrainingRow | null } {
  const row = cut.rows.get(moleculeId);
  if (row) return { status: 'measured', row };
  if (cut.pending.has(moleculeId)) return UNKNOWN;
  if (cut.excluded.has(moleculeId)) return { status: 'failed', row: null };
  return { status: retryFailed ? 'no-value' : 'abandoned', row: null };
}
