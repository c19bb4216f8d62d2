import { z } from 'zod';

const share = z.coerce.number().min(0).max(1);

/** Traces: what is kept of them, and where. */
export const tracingSettingsSchema = z
  .strictObject({
    mode: z
      .enum(['on', 'off'])
      .default('on')
      .describe('Whether spans are made. Without a directory and an endpoint there are none either.'),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe(
        'Collector that takes OTLP over HTTP, e.g. http://127.0.0.1:4318; /v1/traces is added where the address has no path.',
      ),
    directory: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Directory of files of spans, OTLP JSON a line, which 'titrate trace' reads. Default: traces under home; none with profile gcp, or with an endpoint.",
      ),
    share: share.default(1).describe('Share of the rounds whose traces are kept.'),
    requests: share
      .default(0.01)
      .describe(
        'Share of the requests to the inference server that are traced although they bring no trace along.',
      ),
  })
  .prefault({});
