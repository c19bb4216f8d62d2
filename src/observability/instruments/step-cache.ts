import type { StepCache } from '../../objects';
import type { Metrics } from '../metrics/metrics';

/** A step cache whose look-ups are counted: a hit is an output that nobody had to compute for this call. */
export function observeStepCache(steps: StepCache, { cache }: Pick<Metrics, 'cache'>): StepCache {
  return {
    async run(step, key, compute) {
      const outcome = await steps.run(step, key, compute);
      cache.lookups.inc({ cache: 'steps', step: step.name, outcome: outcome.cached ? 'hit' : 'miss' });
      return outcome;
    },
  };
}
