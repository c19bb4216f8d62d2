import { TitrateError } from '../contracts';
import type { ObjectStore } from './object-store';

export interface LiveObjectsOptions {
  /** Whether what a record mentions is needed for the record's own sake. */
  isRoot(key: string): boolean;
  /** Objects that are needed whatever the records say, sha256. */
  readonly alsoLive?: Iterable<string>;
}

/** Records of pure steps: their outputs can be computed again, so they are kept for the sake of their inputs. */
const STEP_PREFIX = 'steps/';
/** Requests under way at once; enough to hide the latency of a bucket. */
const CONCURRENCY = 16;

/** A step's outputs wait for its inputs. */
interface Waiting {
  readonly outputs: readonly string[];
  /** Inputs not known to be live yet. */
  pending: number;
}

/**
 * Runs of exactly 64 lower-case hexadecimal digits in text that comes in pieces: sha256s, also inside `sha256:<hex>` or a path.
 * @returns call with each piece (latin1 text), and with `null` at the end.
 */
export function tokenScanner(found: (sha256: string) => void): (piece: string | null) => void {
  let carry = '';
  const scan = (text: string) => {
    for (const [run] of text.matchAll(/[0-9a-f]{64,}/g)) if (run.length === 64) found(run);
  };
  return (piece) => {
    if (piece === null) return scan(carry);
    const text = carry + piece;
    let end = text.length;
    while (end > 0 && /[0-9a-f]/.test(text[end - 1]!)) end--;
    scan(text.slice(0, end));
    // A run longer than 64 is no sha256, and stays one too long however far it goes on.
    carry = text.slice(end).slice(-65);
  };
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const scan = tokenScanner((token) => tokens.push(token));
  scan(text);
  scan(null);
  return tokens;
}

/** JSON and NDJSON begin with one of these; Parquet (`PAR1`), feature matrices, models and gzip do not, and mention no objects. */
const mayMention = (first: Buffer) => /^\s*[[{"]/.test(first.subarray(0, 64).toString('latin1'));

/** Calls `work` on every item, several at a time; items may be added meanwhile. */
async function drain<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  let failed: { error: unknown } | undefined;
  while ((items.length > 0 && !failed) || running.size > 0) {
    if (failed || items.length === 0 || running.size >= CONCURRENCY) {
      await Promise.race(running);
      continue;
    }
    const job = work(items.pop()!)
      .catch((error: unknown) => {
        failed ??= { error };
      })
      .finally(() => running.delete(job));
    running.add(job);
  }
  if (failed) throw failed.error;
}

/**
 * The permanent objects that something live needs: the least set such that
 * - what a root record mentions is live; any 64-digit token that names a stored object counts, so this errs on the side of keeping;
 * - what a live JSON or NDJSON object mentions is live (told by its first byte, read as a stream); others are leaves;
 * - what the recorded value of a root step record (`steps/…`) mentions is live once those of the step's inputs that are objects of this
 *   store are live; a step without such inputs keeps its outputs. The key of a step keeps nothing.
 *
 * Memory grows with the number of objects (about 200 bytes each), not with their size. Objects stored after it began are not in the result:
 * delete with `deleteObject`, whose `untouchedSince` spares them.
 * @throws TitrateError artifact-corrupt when a live object cannot be read whole: what it mentions is not known, so nothing may be deleted.
 */
export async function liveObjects(objects: ObjectStore, options: LiveObjectsOptions): Promise<Set<string>> {
  const stored = new Set<string>();
  for await (const { sha256 } of objects.listObjects()) stored.add(sha256);

  const live = new Set<string>();
  const toFollow: string[] = [];
  const waitingFor = new Map<string, Waiting[]>();

  function mark(sha256: string): void {
    if (!stored.has(sha256) || live.has(sha256)) return;
    live.add(sha256);
    toFollow.push(sha256);
    const waiting = waitingFor.get(sha256) ?? [];
    waitingFor.delete(sha256);
    for (const step of waiting) if (--step.pending === 0) step.outputs.forEach(mark);
  }

  function addStep(record: { key?: { inputs?: unknown }; value?: unknown }): void {
    const outputs = tokensOf(JSON.stringify(record.value ?? null)).filter((token) => stored.has(token));
    const inputs = new Set(tokensOf(JSON.stringify(record.key?.inputs ?? null)));
    const pending = [...inputs].filter((token) => stored.has(token) && !live.has(token));
    if (pending.length === 0) return outputs.forEach(mark);
    if (outputs.length === 0) return;
    const step: Waiting = { outputs, pending: pending.length };
    for (const token of pending) {
      const list = waitingFor.get(token);
      if (list) list.push(step);
      else waitingFor.set(token, [step]);
    }
  }

  async function readRoot(key: string): Promise<void> {
    const text = (await objects.readRecord(key))?.toString('utf8');
    if (text === undefined) return;
    const record = key.startsWith(STEP_PREFIX) ? parseStep(text) : null;
    if (record) addStep(record);
    else tokensOf(text).forEach(mark);
  }

  async function follow(sha256: string): Promise<void> {
    let stream;
    try {
      stream = await objects.openRead({ sha256 });
    } catch (error) {
      // Deleted since it was listed: there is nothing left to keep.
      if (error instanceof TitrateError && error.code === 'artifact-missing') return;
      throw error;
    }
    const scan = tokenScanner(mark);
    let first = true;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (first && !mayMention(chunk)) return; // leaving the loop closes the stream
      first = false;
      scan(chunk.toString('latin1'));
    }
    scan(null);
  }

  for (const sha256 of options.alsoLive ?? []) mark(sha256);
  await drain(
    (await objects.listRecords('')).filter((key) => options.isRoot(key)),
    readRoot,
  );
  await drain(toFollow, follow);
  return live;
}

/** A record that does not read as a step's is taken for a plain one, which keeps more. */
function parseStep(text: string): { key: { inputs?: unknown }; value?: unknown } | null {
  try {
    const record = JSON.parse(text) as { key?: { inputs?: unknown }; value?: unknown } | null;
    return record?.key?.inputs === undefined || !('value' in record) ? null : { ...record, key: record.key };
  } catch {
    return null;
  }
}
