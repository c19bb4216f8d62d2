import { z } from 'zod';

/** The part `metrics` of the settings. */
export const metricsSettingsSchema = z
  .strictObject({
    mode: z
      .enum(['on', 'off'])
      .default('on')
      .describe("'off': nothing is counted, watched or offered. For measuring what that costs."),
    host: z.string().default('127.0.0.1').describe('Address on which a worker answers for its metrics.'),
    port: z.coerce
      .number()
      .int()
      .min(1)
      .max(65535)
      .optional()
      .describe(
        "Port of a worker's Prometheus metrics, at /metrics. Default: none. 'titrate up' gives its workers this one and those after it; without one it takes 9464 and those after it, or others where these are taken.",
      ),
    push: z
      .enum(['none', 'cloud-monitoring'])
      .optional()
      .describe(
        "Where a process that ends before anybody reads its metrics (a training job, a Dataflow step, 'titrate data ingest', 'titrate train') writes them at its end. Default: 'none', with profile gcp and a project 'cloud-monitoring'.",
      ),
    endpoint: z
      .string()
      .min(1)
      .optional()
      .describe('Another server than monitoring.googleapis.com: host:port by TLS, http://host:port without.'),
  })
  .prefault({});
