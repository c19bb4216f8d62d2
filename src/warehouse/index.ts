export type * from './warehouse';
export { createDuckDbWarehouse, rebuildWarehouse, type DuckDbWarehouseOptions } from './duckdb-warehouse';
export { admitResults, type Admission, type KnownResult } from './admission';
export {
  aggregateValues,
  outstandingPicks,
  takeStock,
  type MeasuredValue,
  type OpenedBatch,
  type StandingResult,
  type Stock,
} from './knowledge';
