export * from './combine';
export * from './stack';
export * from './weights';
