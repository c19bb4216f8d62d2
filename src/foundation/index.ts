export * from './files';
export * from './hashing';
export * from './ndjson';
export * from './normal';
export * from './paths';
export * from './random';
export * from './sql';
