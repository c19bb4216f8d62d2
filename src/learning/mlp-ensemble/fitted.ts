import { featurizerName, TitrateError, type FeatureMatrix } from '../../contracts';
import { createRandom } from '../../foundation';
import type { FittedModel, Prediction } from '../learning';
import { encodeEnsemble, memberShapes, type EnsembleState } from './format';
import type { FeatureRows } from './inputs';
import { boundLogVariance } from './likelihood';
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
  readonly family = 'mlp-ensemble';
  /** Name of the model in the threads. */
  private readonly model = `model-${++models}`;
  private readonly shapes: number[][];
  private disposed = false;

  constructor(
    private readonly state: EnsembleState,
    private readonly pool: ThreadPool,
    readonly computeSeconds: number,
  ) {
    this.shapes = memberShapes(state);
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
   * their means with M - 1 in the denominator (0 for a single member).
   * The variance is learnt from rows that a member was not fitted to, so where labels are few `aleatoric` includes what
   * one member fails to learn.
   * @throws config-invalid when the features are not those the model was trained on; numerical; cancelled
   */
  async predict(features: FeatureMatrix, signal?: AbortSignal): Promise<Prediction> {
    const { centre, scale } = this.state.target;
    const prediction: Prediction = {
      mean: new Float64Array(features.rows),
      aleatoric: new Float64Array(features.rows),
      epistemic: new Float64Array(features.rows),
    };
    await this.eachChunk(features, signal, (from, rows, outputs) => {
      const count = outputs.length;
      for (let row = 0; row < rows; row++) {
        let mean = 0;
        let variance = 0;
        for (const output of outputs) {
          mean += output[2 * row]! / count;
          variance += Math.exp(boundLogVariance(output[2 * row + 1]!).logVariance) / count;
        }
        let spread = 0;
        for (const output of outputs) spread += (output[2 * row]! - mean) ** 2;
        prediction.mean[from + row] = centre + scale * mean;
        prediction.aleatoric[from + row] = scale * Math.sqrt(variance);
        prediction.epistemic[from + row] = scale * Math.sqrt(spread / Math.max(1, count - 1));
      }
    });
    return prediction;
  }

  /**
   * Draw k is mean + Σ_j w_kj (m_j - mean) / √(M - 1) with w standard normal and m_j the members' means: Gaussian, with the
   * members' sample covariance between molecules, and so `epistemic` as each molecule's standard deviation.
   */
  async sample(
    features: FeatureMatrix,
    count: number,
    seed: number,
    signal?: AbortSignal,
  ): Promise<Float64Array[]> {
    const { centre, scale } = this.state.target;
    const members = this.state.members.length;
    const random = createRandom(seed);
    const weights = Array.from({ length: count }, () =>
      Float64Array.from({ length: members }, () => random.normal()),
    );
    const draws = weights.map(() => new Float64Array(features.rows));
    const deviations = new Float64Array(members);
    await this.eachChunk(features, signal, (from, rows, outputs) => {
      for (let row = 0; row < rows; row++) {
        const mean = outputs.reduce((sum, output) => sum + output[2 * row]! / members, 0);
        outputs.forEach((output, j) => {
          deviations[j] = (output[2 * row]! - mean) / Math.sqrt(Math.max(1, members - 1));
        });
        weights.forEach((weight, k) => {
          const shift = weight.reduce((sum, w, j) => sum + w * deviations[j]!, 0);
          draws[k]![from + row] = centre + scale * (mean + shift);
        });
      }
    });
    return draws;
  }

  serialise(): Promise<Uint8Array> {
    return Promise.resolve(encodeEnsemble(this.state));
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

  private async hold(thread: number, members: readonly number[], signal?: AbortSignal): Promise<void> {
    const parts = members.map((member) => ({
      member,
      parameters: this.state.members[member]!,
      shapes: this.shapes,
    }));
    await this.pool.run(
      'hold',
      { model: this.model, encoding: this.state.encoding, members: parts },
      { thread, signal },
    );
  }

  /** Calls `take` with the outputs [rows, 2] of all members, in their order, for each chunk of rows, in no fixed order. */
  private async eachChunk(
    features: FeatureMatrix,
    signal: AbortSignal | undefined,
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
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    for (;;) {
      if (this.disposed)
        throw new TitrateError('unavailable', { what: 'The model was disposed of', where: 'mlp-ensemble' });
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
      where: 'mlp-ensemble prediction',
      remedy: 'Featurize with the specification in the model card',
    });
  }
}

/** The same values in memory that threads share. */
export function shareData<T extends Uint8Array | Float32Array>(data: T): T {
  if (data.buffer instanceof SharedArrayBuffer) return data;
  const bytes = new Uint8Array(new SharedArrayBuffer(data.byteLength));
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return (data instanceof Float32Array ? new Float32Array(bytes.buffer) : bytes) as T;
}

function rowsOf(features: FeatureMatrix, data: FeatureMatrix['data'], from: number, to: number): FeatureRows {
  const { columns, layout, moleculeIds } = features;
  const width = layout === 'bits' ? columns / 8 : columns;
  const view = data.subarray(from * width, to * width);
  return {
    rows: to - from,
    columns,
    layout,
    // A message takes a view's whole buffer along, unless it is shared.
    data: view.buffer instanceof SharedArrayBuffer ? view : view.slice(),
    // Only named in errors about values, which packed bits cannot have.
    moleculeIds: layout === 'bits' ? [] : moleculeIds.slice(from, to),
  };
}
