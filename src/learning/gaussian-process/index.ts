import { Piscina } from 'piscina';
import { TitrateError, type FeatureMatrix } from '../../contracts';
import { compiledEntry, type CancelSignal } from '../../foundation';
import { checkLabelled } from '../labelled-set';
import type { FitRequest, FittedModel, ModelFamilyAdapter } from '../learning';
import { bestOf } from './best';
import { canBound } from './bounds';
import { decodeDefinitions, encodeDefinitions } from './codec';
import type { Directions } from './directions';
import type { FittedOutput } from './fit';
import { noiseDeviation, type PreparedModel } from './model';
import { GP_MIN_LABELS } from './outputs';
import { boundsInParts, directionsOf, predictInParts, type Run } from './parts';
import type { Answer, FitAnswer } from './thread';

export { GP_MIN_LABELS };
/** Most labels: the sparse form keeps a block of labels x inducing molecules, 512 MB, and with more labels too few molecules. */
export const GP_MAX_LABELS = 131_072;
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
  const threads = Math.max(1, options.threads);
  let pool: Piscina | undefined;
  let closed = false;

  async function run<T>(
    name: string,
    task: unknown,
    signal?: CancelSignal,
    transferList?: ArrayBuffer[],
  ): Promise<T> {
    if (signal?.aborted) throw cancelled();
    if (closed)
      throw new TitrateError('internal', { what: 'the Gaussian process was used after it was closed' });
    pool ??= new Piscina({
      filename: compiledEntry('src/learning/gaussian-process/thread'),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: IDLE_TIMEOUT,
    });
    let answer: Answer<T>;
    try {
      answer = (await pool.run(task, { name, signal, transferList })) as Answer<T>;
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
      return fittedModel(run, threads, outputs, seconds);
    },
    async load(bytes) {
      return fittedModel(run, threads, await run<FittedOutput[]>('prepare', decodeDefinitions(bytes)), 0);
    },
    async close() {
      closed = true;
      await pool?.destroy();
      pool = undefined;
    },
  };
}

/** @param outputs one a property, the wanted one first. */
function fittedModel(
  run: Run,
  threads: number,
  outputs: readonly FittedOutput[],
  seconds: number,
): FittedModel {
  let models: readonly PreparedModel[] = outputs.map(({ model }) => model);
  const definitions = outputs.map(({ definition }) => definition);
  const live = (): PreparedModel => {
    const [wanted] = models;
    if (!wanted) throw new TitrateError('internal', { what: 'the model was used after it was disposed of' });
    return wanted;
  };
  let directions: Promise<Directions> | undefined;
  return {
    family: 'gaussian-process',
    backend: 'float64',
    computeSeconds: seconds,
    facts: definitions[0]!.facts,
    predict: async (features, signal) => predictInParts(run, threads, live(), features, signal),
    predictAll: async (features, signal) => {
      live();
      return Promise.all(models.map((model) => predictInParts(run, threads, model, features, signal)));
    },
    async best(features, request, signal) {
      const model = live();
      const predict = (some: FeatureMatrix) => predictInParts(run, threads, model, some, signal);
      if (!canBound(model) || features.rows <= request.count) return bestOf(features, request, predict);
      // Of the first pool that is searched: any directions give a bound, those of another pool a looser one.
      directions ??= directionsOf(run, model, features, signal).catch((error: unknown) => {
        directions = undefined;
        throw error;
      });
      const bounds = await boundsInParts(run, threads, model, await directions, features, signal);
      return bestOf(features, request, predict, { ...bounds, aleatoric: noiseDeviation(model) });
    },
    covariance: async (features, signal) =>
      run<Float64Array>('covariance', { model: live(), features }, signal),
    crossCovariance: async (features, others, signal) =>
      run<Float64Array>('crossCovariance', { model: live(), features, others }, signal),
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
