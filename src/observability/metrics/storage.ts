import type { Instruments } from './instruments';

const QUERY_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300];

/** Set where steps are looked up. */
export const cacheMetrics = ({ counter, gauge }: Instruments) => ({
  lookups: counter(
    'titrate_cache_lookups_total',
    "Look-ups by outcome (hit, miss): of steps by the step's name; of local copies of objects, with step 'object'.",
    'cache',
    'step',
    'outcome',
  ),
  bytes: gauge('titrate_cache_bytes', 'Size of what is kept on this disk, by cache.', 'cache'),
});

/** Set where objects are stored and read. */
export const objectMetrics = ({ counter }: Instruments) => ({
  operations: counter(
    'titrate_object_operations_total',
    'Operations on the object store by outcome: ok, failed.',
    'operation',
    'outcome',
  ),
  bytes: counter('titrate_object_bytes_total', 'Bytes read and written, by direction.', 'direction'),
});

/** Set where the warehouse is asked. */
export const warehouseMetrics = ({ counter, histogram }: Instruments) => ({
  queryDuration: histogram(
    'titrate_warehouse_query_duration_seconds',
    'Time of an operation of the warehouse.',
    QUERY_BUCKETS,
    'operation',
    'engine',
  ),
  bytesBilled: counter('titrate_warehouse_bytes_billed_total', 'Bytes that BigQuery billed for queries.'),
});
