export type * from './object-store';
export type * from './steps';
export type * from './pointers';
export { createFileObjectStore } from './file-object-store';
export { createNumberedLog, parseRecord, type NumberedEntry, type NumberedLog } from './numbered-log';
export { createPointerLog } from './pointer-log';
export { decodeRecordKey, encodeRecordKey } from './record-key';
export { artifactsIn, createStepCache, stepHash } from './step-cache';
