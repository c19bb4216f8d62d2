import type { Metrics } from '../observability';
import {
  observeChemistry,
  observeLanding,
  observeObjectStore,
  observeProcessor,
  observeStepCache,
  observeTraining,
  observeWarehouse,
} from '../observability/instruments';
import { createCosts } from './costs';
import type { Settings } from './settings';

/** The adapters with what they do counted. With `metrics.mode: off` each stays as it is. */
export function observersOf({ metrics: { mode }, warehouse }: Settings, metrics: Metrics) {
  const costs = createCosts(metrics);
  const observed =
    <T, More extends unknown[]>(observe: (adapter: T, ...more: More) => T) =>
    (adapter: T, ...more: More): T =>
      mode === 'on' ? observe(adapter, ...more) : adapter;
  return {
    objects: observed((store: Parameters<typeof observeObjectStore>[0]) =>
      observeObjectStore(store, metrics),
    ),
    steps: observed((steps: Parameters<typeof observeStepCache>[0]) => observeStepCache(steps, metrics)),
    chemistry: observed((one: Parameters<typeof observeChemistry>[0]) => observeChemistry(one, metrics)),
    landing: observed((landing: Parameters<typeof observeLanding>[0]) => observeLanding(landing, metrics)),
    /** @param elsewhere whether it has its rows standardised by jobs */
    processor: observed((one: Parameters<typeof observeProcessor>[0], elsewhere: boolean) =>
      observeProcessor(one, metrics, elsewhere ? costs.dataflow : undefined),
    ),
    training: observed((service: Parameters<typeof observeTraining>[0]) =>
      observeTraining(service, metrics, costs.vertex),
    ),
    warehouse: observed((one: Parameters<typeof observeWarehouse>[0]) =>
      observeWarehouse(one, metrics, warehouse.engine),
    ),
    /** What BigQuery bills for a query, bytes. */
    billed(bytes: number): void {
      metrics.warehouse.bytesBilled.inc(bytes);
      costs.bigQuery(bytes);
    },
    /** Look-ups of local copies of objects, and their size. */
    objectCache: {
      onCacheLookup: (outcome: 'hit' | 'miss') =>
        metrics.cache.lookups.inc({ cache: 'objects', step: 'object', outcome }),
      onCacheBytes: (bytes: number) => metrics.cache.bytes.set({ cache: 'objects' }, bytes),
    },
  };
}

export type Observers = ReturnType<typeof observersOf>;
