export { designBatch, type DesignRequest } from './design';
