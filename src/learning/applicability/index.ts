export * from './applicability';
export * from './neighbours';
