export type * from './data-card';
export { createDataCard, type DataCardRequest } from './create-data-card';
export { renderDataCard } from './render';
