import type { ExplorationPlan } from '../activities/gpu';
import type { TrialResult, TrialSpec, TunerRecord } from '../src/contracts';
import { gpu } from './activities';

type Asked = NonNullable<NonNullable<ExplorationPlan['tuner']>['asked']>;

/**
 * What trials are worth to a study, which goes on over rounds: the error as a share of the spread of the values, so that rounds with
 * other labels can be compared. A mean would have 1.
 */
const worth = ({ metrics }: TrialResult): number => Math.sqrt(Math.max(0, 1 - metrics.r2));

/** How an exploration speaks with the tuning service that its plan asked; undefined where it asked none. */
export function tuningOf(plan: ExplorationPlan['tuner']) {
  if (!plan) return undefined;
  const { study, asked } = plan;
  const ids = asked?.suggestions.map(({ trialId }) => trialId) ?? [];
  const notes = new Set(plan.notes);
  const stopped: string[] = [];
  const own = <T extends { readonly trialId: string }>(items: readonly T[]) =>
    items.filter(({ trialId }) => ids.includes(trialId));

  async function report(
    summary: string,
    step: number,
    parts: Partial<Omit<Parameters<typeof gpu.reportTrials>[0], 'asked' | 'step'>>,
  ): Promise<readonly string[]> {
    const { stop, note } = await gpu.reportTrials.executeWithOptions({ summary }, [
      { asked: asked as Asked, step, values: [], candidates: [], ends: [], ...parts },
    ]);
    if (note) notes.add(note);
    return stop;
  }

  return {
    /** Tells what a rung brought. Steps are counted from 1. */
    async rung(rung: number, results: readonly TrialResult[]): Promise<void> {
      const values = own(results).flatMap((result) =>
        Number.isFinite(worth(result)) ? [{ trialId: result.trialId, value: worth(result) }] : [],
      );
      if (values.length) await report(`report rung ${rung} to ${study}`, rung + 1, { values });
    },

    /** Of the trials that go on those that the service lets go on; a family always keeps its best one. */
    async goingOn(rung: number, promoted: readonly TrialSpec[]): Promise<readonly TrialSpec[]> {
      const candidates = own(promoted).map(({ trialId }) => trialId);
      if (candidates.length === 0) return promoted;
      const stop = await report(`ask ${study} what should stop`, rung + 1, { candidates });
      const families = new Set<string>();
      return promoted.filter(({ trialId, settings: { family } }) => {
        const champion = !families.has(family);
        families.add(family);
        if (champion || !stop.includes(trialId)) return true;
        stopped.push(trialId);
        return false;
      });
    },

    /** Says what each trial was worth in the end: on the last rung that it reached. */
    async end(
      results: readonly TrialResult[],
      failures: readonly { readonly trialId: string; readonly message: string }[],
    ): Promise<void> {
      if (ids.length === 0) return;
      const last = Math.max(1, ...results.map(({ rung }) => rung + 1));
      const ends = ids.map((trialId) => {
        const result = results.findLast((each) => each.trialId === trialId);
        if (result && Number.isFinite(worth(result))) return { trialId, value: worth(result) };
        const failure = failures.find((each) => each.trialId === trialId);
        return { trialId, infeasible: failure?.message ?? 'it gave no usable result' };
      });
      await report(`complete the trials of ${study}`, last, { ends });
    },

    record: (): TunerRecord => ({ kind: 'vizier', study, trials: ids, stopped, notes: [...notes] }),
  };
}
