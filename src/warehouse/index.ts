export type * from './warehouse';
export type * from './warehouse-index';
export { createWarehouse, rebuildWarehouse, type WarehouseOptions } from './create-warehouse';
export { createDuckDbIndex, type DuckDbIndexOptions } from './duckdb/duckdb-index';
export { createBigQueryIndex, type BigQueryIndexOptions } from './bigquery/bigquery-index';
export type { ResultsChunk } from './journal';
export { admitResults, type Admission, type KnownResult } from './admission';
export { outstandingPicks, takeStock, type OpenedBatch, type StandingResult, type Stock } from './knowledge';
export { standingWithin, type ArrivedResult } from './supersession';
