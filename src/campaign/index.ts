export * from './exploration';
export * from './first-batch';
export * from './front';
export * from './labels';
export * from './seeds';
export * from './state';
export * from './stopping';
