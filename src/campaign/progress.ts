import type { CampaignProgress, CampaignStage } from '../contracts';
import type { Clocks } from './clocks';
import { statusOf, type CampaignState } from './state';

/** Rounds whose machine time the next one is expected from. */
const FORECAST_ROUNDS = 3;

/** Stages that wait for people: their time is not the machine's. */
const WAITING: ReadonlySet<CampaignStage> = new Set([
  'awaiting-approval',
  'awaiting-results',
  'paused',
  'finished',
]);

/** The clocks after a change of the state. @param now ms since the epoch */
export function advanceClocks(state: CampaignState, now: number): Clocks {
  const { stage, round } = statusOf(state);
  const before = state.clocks;
  if (!before) return { stage, stageSince: now, round, roundSince: now, machineSeconds: 0, earlier: [] };
  if (before.stage === stage && before.round === round) return before;
  const elapsed = WAITING.has(before.stage) ? 0 : (now - before.stageSince) / 1000;
  const machineSeconds = before.machineSeconds + elapsed;
  const stageSince = before.stage === stage ? before.stageSince : now;
  if (before.round === round) return { ...before, stage, stageSince, machineSeconds };
  const earlier = [...before.earlier, machineSeconds].slice(-FORECAST_ROUNDS);
  // The stage goes on under the next round: what it took so far was the last one's.
  return { stage, stageSince: now, round, roundSince: now, machineSeconds: 0, earlier };
}

const instant = (ms: number) => new Date(ms).toISOString();
const mean = (values: readonly number[]) =>
  values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;

/**
 * How the campaign stands, for its memo.
 * @param lab `closeAfter` and `expectedAfter` of the configuration, ms
 */
export function progressOf(
  state: CampaignState,
  lab: { readonly closeAfter: number; readonly expectedAfter: number },
): CampaignProgress {
  const { paused, batch, lastCut } = state;
  const { stage, stageSince, round, roundSince, earlier } = state.clocks!;
  const closesAt = batch?.closesAt ?? null;
  const approvedAt = closesAt === null ? null : closesAt - lab.closeAfter;
  return {
    ...{ stage, round, paused },
    stageSince: instant(stageSince),
    roundSince: instant(roundSince),
    labels: lastCut?.labels ?? 0,
    outstanding: batch?.outstanding ?? 0,
    batchSince: approvedAt === null ? null : instant(approvedAt),
    dueAt: approvedAt === null ? null : instant(approvedAt + lab.expectedAfter),
    forecastSeconds: Math.round(mean(earlier) * 1000) / 1000,
  };
}
