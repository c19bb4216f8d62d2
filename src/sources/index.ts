export type * from './sources';
export type { SourceCells, SourceRecord, SourceStructure, MalformedRecord } from './formats/source-record';
export { detectReading } from './detect';
export { readSource } from './read-source';
export { INFLATION_ALLOWANCE_BYTES, MAX_INFLATION_RATIO } from './formats/inflate';
export { CELL_OPTIONS, checkColumns } from './formats/columns';
export * from './transports';
export * from './landing';
