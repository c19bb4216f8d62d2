import type { ModelFamily } from '../contracts';
import { createGaussianProcess } from './gaussian-process';
import type { Learning, ModelFamilyAdapter } from './learning';
import { createMlpEnsemble } from './mlp-ensemble';

export interface LearningOptions {
  /** Worker threads of each family. No result depends on it. */
  readonly threads: number;
  /** TensorFlow.js backend of the ensembles; `auto` takes the best one present. */
  readonly backend: 'auto' | 'tensorflow-gpu' | 'tensorflow' | 'wasm' | 'cpu';
}

/** All model families behind the port. Threads start on first use. */
export function createLearning({ threads, backend }: LearningOptions): Learning {
  const ensemble = createMlpEnsemble({ threads, backend });
  const families: Record<ModelFamily, ModelFamilyAdapter> = {
    'gaussian-process': createGaussianProcess({ threads }),
    'mlp-ensemble': ensemble,
  };
  return {
    runtime: () => ensemble.runtime(),
    fit: async (request) => families[request.settings.family].fit(request),
    load: async (family, bytes) => families[family].load(bytes),
    async close() {
      await Promise.all(Object.values(families).map((family) => family.close()));
    },
  };
}
