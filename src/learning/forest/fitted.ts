import { TitrateError, type FeatureMatrix } from '../../contracts';
import { selectFeatureRows, type CancelSignal } from '../../foundation';
import { COVARIANCE_MAX_ROWS, type FittedModel, type Prediction } from '../learning';
import { emptyPrediction } from '../prediction';
import { encodeForests } from './codec';
import type { ForestThreads } from './forest-threads';
import type { Forest } from './predict-rows';

/** Rows a thread predicts at a time; enough to outweigh the message, few enough to share the work. */
const PREDICT_ROWS = 512;
/** Values of one sampling request, draws x rows: 400 MB. */
const MAX_SAMPLE_VALUES = 50_000_000;

/** A forest that is ready to predict. */
export class FittedForest implements FittedModel {
  readonly family = 'random-forest';
  readonly backend = 'float64';

  /** @param forests one a property, the wanted one first */
  constructor(
    private readonly threads: ForestThreads,
    private forests: readonly Forest[],
    readonly computeSeconds: number,
  ) {}

  get facts(): Readonly<Record<string, number | string>> {
    return this.wanted().facts;
  }

  /**
   * Mean over the trees. `aleatoric` and `epistemic` come from out-of-bag errors near by and from the trees' disagreement (spread.ts).
   * Of classes, probabilities: votes through Platt's map of the out-of-bag votes.
   * @throws config-invalid for other features than the model's; numerical; cancelled
   */
  async predict(features: FeatureMatrix, signal?: CancelSignal): Promise<Prediction> {
    return this.predictOne(this.wanted(), features, signal);
  }

  async predictAll(features: FeatureMatrix, signal?: CancelSignal): Promise<Prediction[]> {
    this.wanted();
    return Promise.all(this.forests.map((forest) => this.predictOne(forest, features, signal)));
  }

  async covariance(features: FeatureMatrix, signal?: CancelSignal): Promise<Float64Array> {
    if (features.rows > COVARIANCE_MAX_ROWS) {
      throw new TitrateError('usage', {
        what: `A joint covariance of ${features.rows} rows was asked for; at most ${COVARIANCE_MAX_ROWS} are given`,
        where: 'random-forest covariance',
        remedy: 'Ask for fewer molecules at once',
      });
    }
    const { answers } = await this.threads.run('covariance', [{ forest: this.wanted(), features }], signal);
    return answers[0]!;
  }

  async sample(
    features: FeatureMatrix,
    count: number,
    seed: number,
    signal?: CancelSignal,
  ): Promise<Float64Array[]> {
    if (count * features.rows > MAX_SAMPLE_VALUES) {
      throw new TitrateError('usage', {
        what: `${count} draws at ${features.rows} rows are ${count * features.rows} values, more than ${MAX_SAMPLE_VALUES}`,
        where: 'random-forest sample',
        remedy: 'Ask for fewer draws or fewer rows',
      });
    }
    const request = { forest: this.wanted(), features, count, seed };
    return (await this.threads.run('sample', [request], signal)).answers[0]!;
  }

  serialise(): Promise<Uint8Array> {
    this.wanted();
    return Promise.resolve(encodeForests(this.forests));
  }

  dispose(): void {
    this.forests = [];
  }

  private wanted(): Forest {
    const [wanted] = this.forests;
    if (!wanted) throw new TitrateError('internal', { what: 'the model was used after it was disposed of' });
    return wanted;
  }

  private async predictOne(
    forest: Forest,
    features: FeatureMatrix,
    signal?: CancelSignal,
  ): Promise<Prediction> {
    const { rows } = features;
    const starts = Array.from({ length: Math.ceil(rows / PREDICT_ROWS) }, (_, i) => i * PREDICT_ROWS);
    const requests = starts.map((from) => {
      const own = Array.from({ length: Math.min(PREDICT_ROWS, rows - from) }, (_, i) => from + i);
      return { forest, features: selectFeatureRows(features, own) };
    });
    const { answers } = await this.threads.run('predict', requests, signal);
    const out = emptyPrediction(rows);
    answers.forEach((part, i) => {
      for (const figure of ['mean', 'aleatoric', 'epistemic'] as const)
        out[figure].set(part[figure], starts[i]);
    });
    return out;
  }
}
