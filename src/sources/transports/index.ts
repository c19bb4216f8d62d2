export {
  createBigQueryTransport,
  DEFAULT_MAXIMUM_BYTES_BILLED,
  type BigQuerySourceOptions,
} from './bigquery';
export { createDiskTransport } from './disk';
export { createGcsTransport, type GcsSourceOptions } from './gcs';
export type { HeadersByHost } from './http-request';
export { createHttpsTransport, type HttpsOptions } from './https';
export { createTransports, openSource, transportFor, type TransportsOptions } from './open-source';
export { createStdinTransport } from './stdin';
export {
  DEFAULT_RETRY_POLICY,
  streamOf,
  type OpenedBytes,
  type RetryPolicy,
  type SourceTransport,
  type TransportKind,
} from './transport';
