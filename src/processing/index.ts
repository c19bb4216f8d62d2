export { readCsv, type CsvColumns } from './csv-reader';
export { parseMeasurement, type Measurement } from './measurement';
export { readSdf, type SdfFields } from './sdf-reader';
export { sourceFormat, type SourceFormat } from './source-format';
export type { SourceRecord } from './source-record';
export {
  standardiseRows,
  standardiseSource,
  type StandardisedBatch,
  type StandardisedBytes,
  type StandardiseSourceRequest,
} from './standardise-source';
export { readLines, type RawBytes, type TextLine } from './text-lines';
