import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; single molecules answer in milliseconds, a thousand in seconds. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
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
      help: '1 while the desired version of a campaign cannot be loaded.',
      labelNames: ['model'],
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
