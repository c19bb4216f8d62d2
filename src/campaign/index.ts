export * from './exploration';
export * from './labels';
export * from './seeds';
export * from './state';
