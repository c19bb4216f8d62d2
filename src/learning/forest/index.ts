import type { ModelFamilyAdapter } from '../learning';
import { decodeForests } from './codec';
import { fitForests } from './fit';
import { FittedForest } from './fitted';
import { ForestThreads } from './forest-threads';
import { checkRequest, FOREST_MIN_LABELS } from './settings';

export { FOREST_MIN_LABELS };

/**
 * Random forests (Breiman 2001) on bits, counts and descriptors, in worker threads: regression with bounds, binary classification,
 * auxiliary properties by forests of their own. Trees, predictions and bits do not depend on `threads`.
 * Errors: labels-insufficient (fewer than FOREST_MIN_LABELS measured rows, or one class only), config-invalid, result-invalid,
 * numerical, usage (more leaves or draws than fit), cancelled, thread-died.
 * @param options.threads most threads at work at once; they start when needed and end when idle.
 */
export function createRandomForest(options: { threads: number }): ModelFamilyAdapter {
  const threads = new ForestThreads(options.threads);
  return {
    family: 'random-forest',
    async fit(request) {
      const settings = checkRequest(request);
      const { forests, seconds } = await fitForests(threads, settings, request);
      return new FittedForest(threads, forests, seconds);
    },
    load: async (bytes) => new FittedForest(threads, decodeForests(bytes), 0),
    close: () => threads.close(),
  };
}
