export * from './apply';
export * from './cross-fitted';
export * from './platt';
export * from './scale';
