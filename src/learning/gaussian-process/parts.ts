import type { FeatureMatrix } from '../../contracts';
import { neighbouringRows, selectFeatureRows, type CancelSignal } from '../../foundation';
import type { Prediction } from '../learning';
import { emptyPrediction } from '../prediction';
import type { RowBounds } from './bounds';
import { DIRECTION_SAMPLE, type Directions } from './directions';
import type { PreparedModel } from './model';

/** Has a thread do a task of that name. */
export type Run = <T>(
  name: string,
  task: unknown,
  signal?: CancelSignal,
  transferList?: ArrayBuffer[],
) => Promise<T>;

/** Rows a thread predicts at a time; enough to outweigh the message, few enough to share the work. */
const PREDICT_ROWS = 1024;
/** Rows a thread bounds at a time: more, because each is cheaper. */
const BOUND_ROWS = 8192;

/** Works off the parts of `rows`; one more than there are threads lie ready, so memory follows a part. */
async function inParts(
  rows: number,
  size: number,
  threads: number,
  part: (from: number, to: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < rows) {
      const from = next;
      next = Math.min(rows, from + size);
      await part(from, next);
    }
  };
  await Promise.all(Array.from({ length: threads + 1 }, lane));
}

/** Neighbouring rows, and what of them is handed over with the message. */
function neighbours(features: FeatureMatrix, from: number, to: number) {
  const rows = neighbouringRows(features, from, to);
  const { buffer } = rows.data;
  return {
    part: { ...features, ...rows, moleculeIds: features.moleculeIds.slice(from, to) },
    transferList: buffer instanceof SharedArrayBuffer ? [] : [buffer as ArrayBuffer],
  };
}

/** Mean and deviations of every row; no number depends on the threads. */
export async function predictInParts(
  run: Run,
  threads: number,
  model: PreparedModel,
  features: FeatureMatrix,
  signal?: CancelSignal,
): Promise<Prediction> {
  const out = emptyPrediction(features.rows);
  await inParts(features.rows, PREDICT_ROWS, threads, async (from, to) => {
    const { part, transferList } = neighbours(features, from, to);
    const predicted = await run<Prediction>('predict', { model, features: part }, signal, transferList);
    out.mean.set(predicted.mean, from);
    out.epistemic.set(predicted.epistemic, from);
    out.aleatoric.set(predicted.aleatoric, from);
  });
  return out;
}

/** Bounds of every row. */
export async function boundsInParts(
  run: Run,
  threads: number,
  model: PreparedModel,
  directions: Directions,
  features: FeatureMatrix,
  signal?: CancelSignal,
): Promise<RowBounds> {
  const { rows } = features;
  const out = { mean: new Float64Array(rows), reach: new Float64Array(rows), most: new Float64Array(rows) };
  await inParts(rows, BOUND_ROWS, threads, async (from, to) => {
    const { part, transferList } = neighbours(features, from, to);
    const task = { model, directions, features: { ...part, moleculeIds: [] } };
    const bounds = await run<RowBounds>('bounds', task, signal, transferList);
    for (const key of ['mean', 'reach', 'most'] as const) out[key].set(bounds[key], from);
  });
  return out;
}

/** Directions from rows spread evenly over the pool. */
export async function directionsOf(
  run: Run,
  model: PreparedModel,
  features: FeatureMatrix,
  signal?: CancelSignal,
): Promise<Directions> {
  const count = Math.min(DIRECTION_SAMPLE, features.rows);
  const rows = Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * features.rows) / count));
  return run<Directions>('directions', { model, features: selectFeatureRows(features, rows) }, signal);
}
