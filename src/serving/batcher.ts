import { TitrateError, type ModelVersion } from '../contracts';
import { Cancellation, type CancelSignal } from '../foundation';
import type { MoleculeOutcome } from './loaded-model';
import type { NamedPredictions } from './predictor';

export interface BatcherOptions {
  /** Predicts with one version. @throws what loading and predicting throw; then every request of the batch fails with it. */
  readonly predict: (
    version: ModelVersion,
    smiles: readonly string[],
    signal: CancelSignal,
  ) => Promise<NamedPredictions>;
  /** Molecules in one batch at most. */
  readonly maxBatch: number;
  /** @param waitedMs of each request of the batch, from its arrival or from its part in the batch before */
  readonly onBatch?: (molecules: number, waitedMs: readonly number[]) => void;
}

interface Asked {
  readonly smiles: readonly string[];
  readonly outcomes: MoleculeOutcome[];
  /** First molecule that is in no batch yet. */
  next: number;
  /** Molecules without an outcome. */
  left: number;
  since: number;
  settled: boolean;
  /** The batches under way that have some of it; told when it is settled before they are done. */
  readonly batches: Set<() => void>;
  resolve(answer: NamedPredictions): void;
  reject(error: unknown): void;
}

/** The molecules of one request in one batch. */
interface Part {
  readonly asked: Asked;
  readonly from: number;
  readonly to: number;
}

interface Lane {
  readonly version: ModelVersion;
  /** Requests with molecules in no batch yet; each batch takes some of each, in turn. */
  readonly asked: Asked[];
  running: number;
  planned: boolean;
}

/** A large request gives as many molecules to a batch in each turn: a small one behind it never waits for all of it. */
const TURN_MOLECULES = 8;
/** A second batch starts beside one under way only with as great a share of a full one: less joins the next. */
const SECOND_BATCH_SHARE = 0.25;
const MAX_RUNNING = 2;

/**
 * Joins requests that arrive while the model works into the next batch of their version. Nothing waits when the version is idle:
 * a batch is what has arrived by the end of one turn of the event loop.
 */
export class Batcher {
  private readonly lanes = new Map<string, Lane>();
  private queued = 0;

  constructor(private readonly options: BatcherOptions) {}

  /** Molecules that are in no batch yet. */
  get waiting(): number {
    return this.queued;
  }

  /**
   * @returns outcome i for SMILES i
   * @throws what predicting throws; the reason of `signal`, at once
   */
  predict(version: ModelVersion, smiles: readonly string[], signal: CancelSignal): Promise<NamedPredictions> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const leave = () => {
        this.settle(lane, asked, () => reject(signal.reason as Error));
        for (const watch of asked.batches) watch();
      };
      const asked: Asked = {
        smiles,
        outcomes: new Array<MoleculeOutcome>(smiles.length),
        next: 0,
        left: smiles.length,
        since: performance.now(),
        settled: false,
        batches: new Set(),
        resolve: (answer) => (signal.removeEventListener('abort', leave), resolve(answer)),
        reject: (error) => (signal.removeEventListener('abort', leave), reject(error as Error)),
      };
      signal.addEventListener('abort', leave, { once: true });
      const lane = this.laneOf(version);
      lane.asked.push(asked);
      this.queued += smiles.length;
      this.plan(lane);
    });
  }

  private laneOf(version: ModelVersion): Lane {
    let lane = this.lanes.get(version.id);
    if (!lane) this.lanes.set(version.id, (lane = { version, asked: [], running: 0, planned: false }));
    return lane;
  }

  private plan(lane: Lane): void {
    if (lane.planned) return;
    lane.planned = true;
    setImmediate(() => {
      lane.planned = false;
      while (this.mayStart(lane)) void this.run(lane, this.take(lane));
      if (lane.running === 0 && lane.asked.length === 0) this.lanes.delete(lane.version.id);
    });
  }

  private mayStart(lane: Lane): boolean {
    const { asked, running } = lane;
    if (asked.length === 0 || running >= MAX_RUNNING) return false;
    return running === 0 || this.isWaiting(lane, this.options.maxBatch * SECOND_BATCH_SHARE);
  }

  /** Whether so many molecules are in no batch yet. */
  private isWaiting({ asked }: Lane, molecules: number): boolean {
    let waiting = 0;
    for (const { smiles, next } of asked) if ((waiting += smiles.length - next) >= molecules) return true;
    return false;
  }

  private take(lane: Lane): Part[] {
    const parts: Part[] = [];
    let room = this.options.maxBatch;
    while (room > 0 && lane.asked.length > 0) {
      const asked = lane.asked.shift()!;
      const from = asked.next;
      const to = Math.min(asked.smiles.length, from + Math.min(room, TURN_MOLECULES));
      asked.next = to;
      parts.push({ asked, from, to });
      room -= to - from;
      this.queued -= to - from;
      if (to < asked.smiles.length) lane.asked.push(asked);
    }
    return parts;
  }

  private async run(lane: Lane, parts: readonly Part[]): Promise<void> {
    lane.running += 1;
    const { predict, onBatch } = this.options;
    const smiles = parts.flatMap(({ asked, from, to }) => asked.smiles.slice(from, to));
    const now = performance.now();
    onBatch?.(
      smiles.length,
      parts.map(({ asked }) => now - asked.since),
    );
    for (const { asked } of parts) asked.since = now;
    // Work ends when nobody waits for any of it.
    const nobody = new Cancellation();
    const watch = () => {
      if (parts.every(({ asked }) => asked.settled))
        nobody.abort(new TitrateError('cancelled', { what: 'nobody waits for these predictions any more' }));
    };
    for (const { asked } of parts) asked.batches.add(watch);
    try {
      const answer = await predict(lane.version, smiles, nobody);
      let at = 0;
      for (const { asked, from, to } of parts) {
        for (let i = from; i < to; i++) asked.outcomes[i] = answer.predictions[at++]!;
        asked.left -= to - from;
        if (asked.left === 0)
          this.settle(lane, asked, () => asked.resolve({ ...answer, predictions: asked.outcomes }));
      }
    } catch (error) {
      for (const { asked } of parts) this.settle(lane, asked, () => asked.reject(error));
    } finally {
      for (const { asked } of parts) asked.batches.delete(watch);
      lane.running -= 1;
      // A full batch has nothing to wait for, and in a surge the turns of the event loop are long.
      while (lane.running < MAX_RUNNING && this.isWaiting(lane, this.options.maxBatch))
        void this.run(lane, this.take(lane));
      this.plan(lane);
    }
  }

  /** Ends a request once, and takes what is left of it out of the lane. */
  private settle(lane: Lane, asked: Asked, how: () => void): void {
    if (asked.settled) return;
    asked.settled = true;
    const at = lane.asked.indexOf(asked);
    if (at >= 0) {
      lane.asked.splice(at, 1);
      this.queued -= asked.smiles.length - asked.next;
    }
    how();
  }
}
