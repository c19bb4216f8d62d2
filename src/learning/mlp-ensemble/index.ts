export * from './mlp-ensemble';
export { MINIMUM_LABELS } from '../ensemble';
