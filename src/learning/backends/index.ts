/**
 * TensorFlow.js engines. Loading one costs 30 MB and a quarter of a second, so only types and names are exported here;
 * a thread that computes imports `./select` itself.
 */
export * from './backend';
