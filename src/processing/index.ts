export * from './bulk-processor';
export { createInlineProcessor, type InlineProcessorOptions } from './inline-processor';
export { createDataflowProcessor, type DataflowProcessorOptions } from './dataflow/dataflow-processor';
export type { DataflowOptions } from './dataflow/jobs';
export { standardiseBatch, type BatchContext, type StandardisedBatch } from './standardise-batch';
export { standardiseRows, type StandardiseRowsRequest } from './standardise-rows';
