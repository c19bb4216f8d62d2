import { Piscina } from 'piscina';
import { TitrateError, type FeatureMatrix } from '../../contracts';
import { compiledEntry, selectFeatureRows, type CancelSignal } from '../../foundation';
import { checkLabelled } from '../labelled-set';
import type { FitRequest, FittedModel, ModelFamilyAdapter, Prediction } from '../learning';
import { decodeDefinitions, encodeDefinitions } from './codec';
import type { FittedOutput } from './fit';
import type { PreparedModel } from './model';
import { GP_MIN_LABELS } from './outputs';
import type { Answer, FitAnswer } from './thread';

export { GP_MIN_LABELS };
/** Most labels: the sparse form keeps a block of labels x inducing molecules, 512 MB, and with more labels too few molecules. */
export const GP_MAX_LABELS = 131_072;
/** Rows a thread predicts at a time; enough to outweigh the message, few enough to share the work. */
const PREDICT_ROWS = 1024;
/** Values of one sampling request, draws x rows: 400 MB. */
const MAX_SAMPLE_VALUES = 50_000_000;
/** A thread that has had nothing to do for this long ends, milliseconds. */
const IDLE_TIMEOUT = 10_000;

/**
 * Gaussian process with the MinMax kernel, in worker threads: exact up to `exactRows` labels, sparse beyond; regression with
 * censored values, binary classification; auxiliary properties by processes of their own.
 * Regression: `aleatoric` is the standard deviation of one measurement, the same for every row; `epistemic` that of the
 * noise-free function. Rows, draws and bits do not depend on `threads`.
 * Errors: labels-insufficient (fewer than GP_MIN_LABELS measured rows), usage (more than GP_MAX_LABELS rows, or a sample
 * too large), config-invalid (noiseRatios), result-invalid, numerical, cancelled, thread-died.
 * @param options.threads most threads at work at once; they start when needed and end when idle.
 */
export function createGaussianProcess(options: { threads: number }): ModelFamilyAdapter {
  let pool: Piscina | undefined;
  let closed = false;

  async function run<T>(name: string, task: unknown, signal?: CancelSignal): Promise<T> {
    if (signal?.aborted) throw cancelled();
    if (closed)
      throw new TitrateError('internal', { what: 'the Gaussian process was used after it was closed' });
    pool ??= new Piscina({
      filename: compiledEntry('src/learning/gaussian-process/thread'),
      minThreads: 0,
      maxThreads: Math.max(1, options.threads),
      idleTimeout: IDLE_TIMEOUT,
    });
    let answer: Answer<T>;
    try {
      answer = (await pool.run(task, { name, signal })) as Answer<T>;
    } catch (cause) {
      if (signal?.aborted) throw cancelled(cause);
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new TitrateError(
        'thread-died',
        {
          what: `a Gaussian process thread ended in its work (${name}): ${message}`,
          remedy: 'Try again; if it was memory, use fewer labels or threads',
        },
        { cause },
      );
    }
    if ('error' in answer) throw new TitrateError(answer.error.code, answer.error.parts);
    return answer.value;
  }

  return {
    family: 'gaussian-process',
    async fit(request) {
      const settings = checkRequest(request);
      // Signals stay on this side: they cannot be cloned.
      const task = { settings, labelled: request.labelled };
      const { outputs, seconds } = await run<FitAnswer>('fit', task, request.signal);
      return fittedModel(run, outputs, seconds);
    },
    async load(bytes) {
      return fittedModel(run, await run<FittedOutput[]>('prepare', decodeDefinitions(bytes)), 0);
    },
    async close() {
      closed = true;
      await pool?.destroy();
      pool = undefined;
    },
  };
}

type Run = <T>(name: string, task: unknown, signal?: CancelSignal) => Promise<T>;

/** @param outputs one a property, the wanted one first. */
function fittedModel(run: Run, outputs: readonly FittedOutput[], seconds: number): FittedModel {
  let models: readonly PreparedModel[] = outputs.map(({ model }) => model);
  const definitions = outputs.map(({ definition }) => definition);
  const live = (): PreparedModel => {
    const [wanted] = models;
    if (!wanted) throw new TitrateError('internal', { what: 'the model was used after it was disposed of' });
    return wanted;
  };
  return {
    family: 'gaussian-process',
    backend: 'float64',
    computeSeconds: seconds,
    facts: definitions[0]!.facts,
    predict: async (features, signal) => predictInParts(run, live(), features, signal),
    predictAll: async (features, signal) => {
      live();
      return Promise.all(models.map((model) => predictInParts(run, model, features, signal)));
    },
    covariance: async (features, signal) =>
      run<Float64Array>('covariance', { model: live(), features }, signal),
    async sample(features, count, seed, signal) {
      if (count * features.rows > MAX_SAMPLE_VALUES) {
        throw new TitrateError('usage', {
          what: `${count} draws at ${features.rows} rows are ${count * features.rows} values, more than ${MAX_SAMPLE_VALUES}`,
          remedy: 'Ask for fewer draws or fewer rows',
        });
      }
      return run<Float64Array[]>('sample', { model: live(), features, count, seed }, signal);
    },
    serialise: async () => encodeDefinitions(definitions),
    dispose() {
      models = [];
    },
  };
}

async function predictInParts(
  run: Run,
  model: PreparedModel,
  features: FeatureMatrix,
  signal?: CancelSignal,
): Promise<Prediction> {
  const { rows } = features;
  const out = {
    mean: new Float64Array(rows),
    aleatoric: new Float64Array(rows),
    epistemic: new Float64Array(rows),
  };
  const part = async (from: number) => {
    const count = Math.min(PREDICT_ROWS, rows - from);
    const some = selectFeatureRows(
      features,
      Array.from({ length: count }, (_, i) => from + i),
    );
    const predicted = await run<Prediction>('predict', { model, features: some }, signal);
    out.mean.set(predicted.mean, from);
    out.epistemic.set(predicted.epistemic, from);
    out.aleatoric.set(predicted.aleatoric, from);
  };
  const starts = Array.from({ length: Math.ceil(rows / PREDICT_ROWS) }, (_, i) => i * PREDICT_ROWS);
  await Promise.all(starts.map(part));
  return out;
}

function checkRequest({ settings, labelled }: FitRequest) {
  if (settings.family !== 'gaussian-process') {
    throw new TitrateError('internal', {
      what: `settings of ${settings.family} were given to the Gaussian process`,
    });
  }
  if (
    settings.noiseRatios.length === 0 ||
    !settings.noiseRatios.every((ratio) => ratio > 0 && Number.isFinite(ratio))
  ) {
    throw new TitrateError('config-invalid', {
      what: `noiseRatios are [${settings.noiseRatios.join(', ')}], expected at least one, each positive and finite`,
      where: 'settings.noiseRatios',
      remedy: 'Give noise variance over signal variance, for example [0.001, 0.01, 0.1, 1]',
    });
  }
  for (const field of ['exactRows', 'inducing'] as const) {
    const value = settings[field];
    if (value === undefined || (Number.isInteger(value) && value >= GP_MIN_LABELS)) continue;
    throw new TitrateError('config-invalid', {
      what: `${field} is ${value}, expected a whole number of at least ${GP_MIN_LABELS}`,
      where: `settings.${field}`,
    });
  }
  checkLabelled(labelled);
  if (labelled.features.rows > GP_MAX_LABELS) {
    throw new TitrateError('usage', {
      what: `a Gaussian process takes at most ${GP_MAX_LABELS} labels, these are ${labelled.features.rows}`,
      remedy: "Use the family 'mlp-ensemble' for a set of this size",
    });
  }
  return settings;
}

function cancelled(cause?: unknown): TitrateError {
  return new TitrateError('cancelled', { what: 'the computation was cancelled' }, { cause });
}
