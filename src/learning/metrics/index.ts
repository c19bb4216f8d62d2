export * from './bootstrap';
export * from './classification';
export * from './regression';
