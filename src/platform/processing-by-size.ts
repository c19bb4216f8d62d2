import type { BulkProcessor } from '../processing';

/** Small sources here, large ones there: a job elsewhere takes minutes to start, and both give the same parts. */
export function bySize(here: BulkProcessor, there: BulkProcessor, fromBytes: number): BulkProcessor {
  return {
    kind: there.kind,
    standardise: (request, options) =>
      (request.landed.raw.bytes < fromBytes ? here : there).standardise(request, options),
    async close() {
      await Promise.all([here.close(), there.close()]);
    },
  };
}
