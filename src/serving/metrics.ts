import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { SumAndCount } from './moments';

/** Seconds; single molecules answer in milliseconds, a thousand in seconds. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const LOAD_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What the server counts, in a registry of its own: names `titrate_inference_*`, seconds as the unit of time. */
export function createServingMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: 'titrate_inference_requests_total',
      help: 'Requests answered, by route pattern and HTTP status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    latency: new Histogram({
      name: 'titrate_inference_request_duration_seconds',
      help: 'Time from the request to the end of the answer.',
      labelNames: ['method', 'route'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    molecules: new Counter({
      name: 'titrate_inference_molecules_total',
      help: 'Molecules asked for, by campaign, model version and outcome (predicted, rejected).',
      labelNames: ['model', 'version', 'outcome'],
      registers,
    }),
    errors: new Counter({
      name: 'titrate_inference_errors_total',
      help: 'Requests answered with a problem, by its code.',
      labelNames: ['code'],
      registers,
    }),
    modelRequests: new Counter({
      name: 'titrate_inference_model_requests_total',
      help: 'Requests that a model version was given, by outcome: ok, refused (its client or its deadline), error.',
      labelNames: ['model', 'version', 'outcome'],
      registers,
    }),
    modelLatency: new Histogram({
      name: 'titrate_inference_model_request_duration_seconds',
      help: 'Time from the request to its predictions, by model version.',
      labelNames: ['model', 'version'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    predictions: new Counter({
      name: 'titrate_inference_predictions_total',
      help: 'Values predicted, by model version.',
      labelNames: ['model', 'version'],
      registers,
    }),
    predictionSum: new SumAndCount(
      'titrate_inference_predictions',
      'Predicted values, in the unit of the property.',
      ['model', 'version'],
      registry,
    ),
    predictionSquares: new SumAndCount(
      'titrate_inference_predictions_squares',
      'Squares of the predicted values.',
      ['model', 'version'],
      registry,
    ),
    queueLength: new Gauge({
      name: 'titrate_inference_queue_molecules',
      help: 'Molecules waiting for a batch.',
      registers,
    }),
    queueLimit: new Gauge({
      name: 'titrate_inference_queue_limit_molecules',
      help: 'Molecules that may be in work or waiting now; beyond it requests are answered 429.',
      registers,
    }),
    queueWait: new Histogram({
      name: 'titrate_inference_queue_wait_seconds',
      help: 'Time of a request, or of a part of it, before its batch began.',
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    batchSize: new Histogram({
      name: 'titrate_inference_batch_molecules',
      help: 'Molecules of one batch.',
      buckets: BATCH_BUCKETS,
      registers,
    }),
    cacheLookups: new Counter({
      name: 'titrate_inference_cache_lookups_total',
      help: 'Look-ups of standard forms with features (molecule) and of nearest training molecules (neighbour).',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    cacheBytes: new Gauge({
      name: 'titrate_inference_cache_bytes',
      help: 'Size of what is kept of molecules.',
      registers,
    }),
    logRecords: new Counter({
      name: 'titrate_inference_log_records_total',
      help: 'Predictions of the sample, by what became of them: written, dropped.',
      labelNames: ['outcome'],
      registers,
    }),
    moleculesInFlight: new Gauge({
      name: 'titrate_inference_molecules_in_flight',
      help: 'Molecules being predicted now.',
      registers,
    }),
    loadedModels: new Gauge({
      name: 'titrate_inference_loaded_models',
      help: 'Model versions in memory.',
      registers,
    }),
    liveModel: new Gauge({
      name: 'titrate_inference_live_model_info',
      help: '1 for the model version that answers for a campaign.',
      labelNames: ['model', 'version'],
      registers,
    }),
    loadFailing: new Gauge({
      name: 'titrate_inference_load_failing',
      help: '1 while the desired version of a campaign cannot be loaded, with the code of what keeps it from that.',
      labelNames: ['model', 'version', 'code'],
      registers,
    }),
    loads: new Histogram({
      name: 'titrate_inference_model_load_duration_seconds',
      help: 'Time to load a model version, weights and training molecules.',
      buckets: LOAD_BUCKETS,
      registers,
    }),
  };
}

export type ServingMetrics = ReturnType<typeof createServingMetrics>;
