import { performance } from 'node:perf_hooks';
import type { Warehouse } from '../../warehouse';
import type { Metrics } from '../metrics/metrics';

/** A warehouse whose operations are timed, failed ones too. @param engine duckdb, bigquery */
export function observeWarehouse(
  warehouse: Warehouse,
  { warehouse: metrics }: Pick<Metrics, 'warehouse'>,
  engine: string,
): Warehouse {
  async function time<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      metrics.queryDuration.observe({ operation, engine }, (performance.now() - started) / 1000);
    }
  }
  return {
    recordResults: (...given) => time('record-results', () => warehouse.recordResults(...given)),
    openBatch: (...given) => time('open-batch', () => warehouse.openBatch(...given)),
    batchProgress: (...given) => time('batch-progress', () => warehouse.batchProgress(...given)),
    closeCut: (request) => time('close-cut', () => warehouse.closeCut(request)),
    results: (campaignId) => time('results', () => warehouse.results(campaignId)),
    cuts: (campaignId) => time('cuts', () => warehouse.cuts(campaignId)),
    rollbackData: (request) => time('rollback-data', () => warehouse.rollbackData(request)),
    branch: (campaignId) => time('branch', () => warehouse.branch(campaignId)),
    branches: (campaignId) => time('branches', () => warehouse.branches(campaignId)),
    indexDataset: (version) => time('index-dataset', () => warehouse.indexDataset(version)),
    close: () => warehouse.close(),
  };
}
