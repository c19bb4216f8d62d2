import type { Client } from '@temporalio/client';
import {
  QUERIES,
  SIGNALS,
  TitrateError,
  type BatchSheet,
  type CampaignStatus,
  type CurrentBatch,
  type LabResultInput,
} from '../../contracts';
import { planBatch, type LabHabits, type LabPlan } from './plan';

export interface LabSimulatorOptions extends Partial<LabHabits> {
  readonly client: Client;
  readonly campaignId: string;
  /** Values by moleculeId, in the campaign's unit. */
  readonly truth: ReadonlyMap<string, number>;
  /** The same of the campaign's further properties, by property. */
  readonly further?: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Fetches a sheet that is too large to come with the query. */
  readonly loadSheet: (sha256: string) => Promise<BatchSheet>;
  /** Between two looks at the campaign, milliseconds. */
  readonly pollMs?: number;
  /** Late results are posted after this time even if no next round starts: the campaign may be waiting for them. Milliseconds. */
  readonly patienceMs?: number;
  /** Between two messages of a batch, milliseconds. */
  readonly betweenMessagesMs?: number;
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

export interface LabSimulation {
  readonly batches: number;
  readonly messages: number;
  readonly results: number;
  readonly failed: number;
  readonly late: number;
  readonly duplicates: number;
  readonly corrections: number;
}

export const DEFAULT_HABITS: LabHabits = {
  seed: 1,
  lateShare: 0.1,
  failedShare: 0.05,
  missingShare: 0.1,
  messages: 4,
  duplicate: true,
  correction: true,
};

/** A campaign that has not answered for this long is taken for lost, milliseconds. */
const SILENCE_LIMIT_MS = 180_000;
const QUERY_TIMEOUT_MS = 15_000;

/** Sleeps, or rejects as soon as the simulation is cancelled. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = () => {
      clearTimeout(timer);
      reject(new TitrateError('cancelled', { what: 'the simulation was stopped' }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', cancel);
      resolve();
    }, milliseconds);
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  });
}

/**
 * A laboratory made of known values. Reads each proposed batch by the query `currentBatch` and posts the values back as the
 * signal `labResults`, in several messages: some late, some failed, one twice, one corrected, all by the seed.
 * Ends when the campaign ends. Safe to stop and start again: the same batch gives the same result ids.
 * @throws TitrateError not-found, cancelled, unavailable (no answer for three minutes).
 */
export async function runLabSimulator(options: LabSimulatorOptions): Promise<LabSimulation> {
  const {
    client,
    campaignId,
    truth,
    further,
    signal,
    pollMs = 500,
    patienceMs = 15_000,
    betweenMessagesMs = 100,
    say = () => {},
  } = options;
  const habits: LabHabits = { ...DEFAULT_HABITS, ...definedOnly(options) };
  const handle = client.workflow.getHandle(campaignId);
  const totals = { batches: 0, messages: 0, results: 0, failed: 0, late: 0, duplicates: 0, corrections: 0 };

  /** @returns false when the campaign has ended. */
  const post = async (results: readonly LabResultInput[]): Promise<boolean> => {
    if (results.length === 0) return true;
    return persist(async () => {
      try {
        await handle.signal(SIGNALS.labResults, { results });
        totals.messages++;
        totals.results += results.length;
        return true;
      } catch (error) {
        if (isGone(error)) return false;
        throw error;
      }
    }, signal);
  };

  const look = () =>
    persist(async () => {
      const { status: execution } = await handle.describe();
      if (execution.name !== 'RUNNING') return null;
      return client.connection.withDeadline(Date.now() + QUERY_TIMEOUT_MS, async () => {
        const batch = await handle.query<CurrentBatch>(QUERIES.currentBatch);
        return { batch, status: await handle.query<CampaignStatus>(QUERIES.status) };
      });
    }, signal);

  let answered: string | null = null;
  let held: { readonly late: readonly LabResultInput[]; readonly since: number } | null = null;
  for (;;) {
    const seen = await look();
    if (!seen) return totals;
    const { batch, status } = seen;
    // The next batch is out, so its round knows what it knows: what comes now is late. Or the campaign waits for just these.
    const nextIsOut = batch.batchId !== null && batch.batchId !== answered;
    const waitsInVain =
      status.stage === 'awaiting-results' && held !== null && performance.now() - held.since > patienceMs;
    if (held && (nextIsOut || waitsInVain)) {
      say(`posting ${held.late.length} late results`);
      await post(held.late);
      totals.late += held.late.length;
      held = null;
    }
    if (batch.batchId && batch.batchId !== answered && batch.approved) {
      const sheet = batch.sheet ?? (await options.loadSheet(batch.ref!.sha256));
      const plan = planBatch(sheet, truth, habits, sheet.round >= status.rounds, further);
      say(describePlan(sheet, plan));
      for (const [i, message] of plan.messages.entries()) {
        if (i > 0) await pause(betweenMessagesMs, signal);
        await post(message);
      }
      totals.batches++;
      totals.failed += plan.failed;
      totals.duplicates += plan.duplicates;
      totals.corrections += plan.corrections;
      answered = batch.batchId;
      held = plan.late.length ? { late: plan.late, since: performance.now() } : null;
    }
    await pause(pollMs, signal);
  }
}

function describePlan(sheet: BatchSheet, plan: LabPlan): string {
  const parts = [
    `${plan.failed} failed`,
    `${plan.late.length} late`,
    ...(plan.duplicates ? ['1 posted twice'] : []),
    ...(plan.corrections ? ['1 corrected'] : []),
    ...(plan.unknown ? [`${plan.unknown} without a known value`] : []),
  ];
  return `laboratory: ${sheet.batchId}, ${sheet.picks.length} compounds in ${plan.messages.length} messages (${parts.join(', ')})`;
}

function definedOnly(options: Partial<LabHabits>): Partial<LabHabits> {
  return Object.fromEntries(
    Object.keys(DEFAULT_HABITS).flatMap((key) =>
      options[key as keyof LabHabits] === undefined ? [] : [[key, options[key as keyof LabHabits]]],
    ),
  );
}

const isGone = (error: unknown) => (error as Error).name === 'WorkflowNotFoundError';

/** Repeats a call while servers or workers are being restarted. */
async function persist<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const since = performance.now();
  for (let wait = 250; ; wait = Math.min(5000, wait * 2)) {
    try {
      return await call();
    } catch (error) {
      if (isGone(error))
        throw new TitrateError(
          'not-found',
          { what: 'there is no such campaign on this server' },
          { cause: error },
        );
      if (performance.now() - since > SILENCE_LIMIT_MS) {
        throw new TitrateError(
          'unavailable',
          {
            what: `the campaign has not answered for ${SILENCE_LIMIT_MS / 60_000} minutes: ${(error as Error).message}`,
          },
          { cause: error },
        );
      }
      await pause(wait, signal);
    }
  }
}
