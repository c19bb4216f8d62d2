export * from './broad-roles';
export * from './components';
export * from './names';
export * from './permissions';
export * from './scalers';
export * from './types';
