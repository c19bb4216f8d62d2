import { featurizerName, TitrateError, type FeatureMatrix } from '../../contracts';
import { createRandom, neighbouringRows, type CancelSignal } from '../../foundation';
import { COVARIANCE_MAX_ROWS, type FittedModel, type Prediction } from '../learning';
import { encodeEnsemble, memberShapes, type EnsembleState } from './format';
import { emptyPrediction } from '../prediction';
import { fillPrediction, rowDeviations, targetReader, type TargetReader } from './moments';
import type { EnsembleFamily, FeatureRows, NetworkPlan } from './network-kind';
import { shareData } from './shared-memory';
import type { ThreadPool } from './thread-pool';

/** Rows of one prediction job: a fraction of a second of work, so that cancelling is quick and threads share evenly. */
const CHUNK_ROWS = 2048;

/** Below this it is cheaper to copy features to each thread than to put them into shared memory first, bytes. */
const COPY_BELOW = 65536;

let models = 0;

/**
 * An ensemble that is ready to predict. Its members sit in the threads of the pool, member i in thread i mod threads; a
 * prediction of more rows than a chunk moves on by one round of members a chunk, so that all threads have work.
 */
export class FittedEnsemble implements FittedModel {
  /** Name of the model in the threads. */
  private readonly model = `model-${++models}`;
  private readonly shapes: number[][];
  private disposed = false;

  constructor(
    private readonly plan: NetworkPlan,
    private readonly state: EnsembleState,
    private readonly pool: ThreadPool,
    readonly computeSeconds: number,
  ) {
    this.shapes = memberShapes(plan, state);
  }

  get family(): EnsembleFamily {
    return this.plan.family;
  }

  get backend(): string {
    return this.state.backend;
  }

  get facts(): Readonly<Record<string, number | string>> {
    return this.state.facts;
  }

  /** Puts the members where small predictions will look for them, so that the first is as fast as the next. */
  async warmUp(): Promise<void> {
    await Promise.all([...this.membersByThread(0)].map(([thread, members]) => this.hold(thread, members)));
  }

  /**
   * Mean over the members; `aleatoric` the root of the mean of their variances; `epistemic` the standard deviation of
   * their means with M - 1 in the denominator (0 for a single member). Of classes, means are probabilities.
   * The variance is learnt from rows that a member was not fitted to, so where labels are few `aleatoric` includes what
   * one member fails to learn.
   * @throws config-invalid when the features are not those the model was trained on; numerical; cancelled
   */
  async predict(features: FeatureMatrix, signal?: CancelSignal): Promise<Prediction> {
    return (await this.predictFirst(1, features, signal))[0]!;
  }

  predictAll(features: FeatureMatrix, signal?: CancelSignal): Promise<Prediction[]> {
    return this.predictFirst(this.state.scales[0]!.length, features, signal);
  }

  private async predictFirst(
    targets: number,
    features: FeatureMatrix,
    signal?: CancelSignal,
  ): Promise<Prediction[]> {
    const readers = Array.from({ length: targets }, (_, target) => this.reader(target));
    const predictions = readers.map(() => emptyPrediction(features.rows));
    await this.eachChunk(features, signal, (from, rows, outputs) => {
      readers.forEach((reader, i) => fillPrediction(predictions[i]!, reader, from, rows, outputs));
    });
    return predictions;
  }

  private reader(target: number): TargetReader {
    return targetReader(this.state.task, this.state.scales, target);
  }

  /** Sample covariance of the members' means, M - 1 in the denominator (zeros for a single member); rank M - 1 at most. */
  async covariance(features: FeatureMatrix, signal?: CancelSignal): Promise<Float64Array> {
    const { rows } = features;
    if (rows > COVARIANCE_MAX_ROWS) {
      throw new TitrateError('usage', {
        what: `A joint covariance of ${rows} rows was asked for; at most ${COVARIANCE_MAX_ROWS} are given`,
        where: `${this.family} covariance`,
        remedy: 'Ask for fewer molecules at once',
      });
    }
    const members = this.state.members.length;
    const deviations = new Float64Array(rows * members);
    const reader = this.reader(0);
    await this.eachChunk(features, signal, (from, count, outputs) => {
      for (let row = from; row < from + count; row++)
        rowDeviations(reader, row - from, outputs, deviations.subarray(row * members, (row + 1) * members));
    });
    const covariance = new Float64Array(rows * rows);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let m = 0; m < members; m++) sum += deviations[i * members + m]! * deviations[j * members + m]!;
        covariance[i * rows + j] = sum;
        covariance[j * rows + i] = sum;
      }
    }
    return covariance;
  }

  /**
   * Draw k is mean + Σ_j w_kj (m_j - mean) / √(M - 1) with w standard normal and m_j the members' means: Gaussian, with the
   * members' sample covariance between molecules, and so `epistemic` as each molecule's standard deviation. A drawn
   * probability may lie a little outside of 0 and 1.
   */
  async sample(
    features: FeatureMatrix,
    count: number,
    seed: number,
    signal?: CancelSignal,
  ): Promise<Float64Array[]> {
    const members = this.state.members.length;
    const random = createRandom(seed);
    const weights = Array.from({ length: count }, () =>
      Float64Array.from({ length: members }, () => random.normal()),
    );
    const draws = weights.map(() => new Float64Array(features.rows));
    const deviations = new Float64Array(members);
    const reader = this.reader(0);
    await this.eachChunk(features, signal, (from, rows, outputs) => {
      for (let row = 0; row < rows; row++) {
        const mean = rowDeviations(reader, row, outputs, deviations);
        weights.forEach((weight, k) => {
          draws[k]![from + row] = weight.reduce((sum, w, j) => sum + w * deviations[j]!, mean);
        });
      }
    });
    return draws;
  }

  serialise(): Promise<Uint8Array> {
    return Promise.resolve(encodeEnsemble(this.plan, this.state));
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    // A pool that closes or a thread that dies frees the members just as well.
    this.pool.broadcast('release', { model: this.model }).catch(() => undefined);
  }

  private membersByThread(chunk: number): Map<number, number[]> {
    const count = this.state.members.length;
    const byThread = new Map<number, number[]>();
    for (let member = 0; member < count; member++) {
      const thread = (member + chunk * count) % this.pool.size;
      byThread.set(thread, [...(byThread.get(thread) ?? []), member]);
    }
    return byThread;
  }

  private async hold(thread: number, members: readonly number[], signal?: CancelSignal): Promise<void> {
    const parts = members.map((member) => ({
      member,
      parameters: this.state.members[member]!,
      shapes: this.shapes,
    }));
    const { settings, encoding } = this.state;
    await this.pool.run(
      'hold',
      { model: this.model, settings, encoding, members: parts },
      { thread, signal },
    );
  }

  /** Calls `take` with the outputs [rows, outputs] of all members, in their order, for each chunk of rows, in no fixed order. */
  private async eachChunk(
    features: FeatureMatrix,
    signal: CancelSignal | undefined,
    take: (from: number, rows: number, outputs: Float32Array[]) => void,
  ): Promise<void> {
    this.assertUsable(features);
    const data = features.data.byteLength < COPY_BELOW ? features.data : shareData(features.data);
    const chunks = Math.ceil(features.rows / CHUNK_ROWS);
    await Promise.all(
      Array.from({ length: chunks }, async (_, chunk) => {
        const from = chunk * CHUNK_ROWS;
        const part = rowsOf(features, data, from, Math.min(features.rows, from + CHUNK_ROWS));
        const outputs = new Array<Float32Array>(this.state.members.length);
        await Promise.all(
          [...this.membersByThread(chunk)].map(async ([thread, members]) => {
            const answers = await this.ask(thread, members, part, signal);
            members.forEach((member, i) => (outputs[member] = answers[i]!));
          }),
        );
        take(from, part.rows, outputs);
      }),
    );
  }

  private async ask(
    thread: number,
    members: number[],
    features: FeatureRows,
    signal?: CancelSignal,
  ): Promise<Float32Array[]> {
    for (;;) {
      if (this.disposed)
        throw new TitrateError('unavailable', { what: 'The model was disposed of', where: this.family });
      const answers = await this.pool.run(
        'predict',
        { model: this.model, members, features },
        { thread, signal },
      );
      if (answers) return answers;
      // First use of these members there, or the thread was replaced.
      if (!this.disposed) await this.hold(thread, members, signal);
    }
  }

  private assertUsable(features: FeatureMatrix): void {
    const { featurizer, encoding } = this.state;
    const wanted = `${featurizerName(featurizer)}, ${encoding.columns} ${encoding.layout} columns`;
    const given = `${featurizerName(features.spec)}, ${features.columns} ${features.layout} columns`;
    if (wanted === given) return;
    throw new TitrateError('config-invalid', {
      what: `The model was trained on ${wanted}; it was given ${given}`,
      where: `${this.family} prediction`,
      remedy: 'Featurize with the specification in the model card',
    });
  }
}

function rowsOf(features: FeatureMatrix, data: FeatureMatrix['data'], from: number, to: number): FeatureRows {
  const { columns, layout, moleculeIds } = features;
  return {
    ...{ columns, layout },
    ...neighbouringRows(features, from, to, data),
    // Only named in errors about values, which packed bits cannot have.
    moleculeIds: layout === 'bits' ? [] : moleculeIds.slice(from, to),
  };
}
