import type { ModelFamily } from '../contracts';
import { createRandomForest } from './forest';
import { createGaussianProcess } from './gaussian-process';
import type { Learning, ModelFamilyAdapter } from './learning';
import { createMemberThreads } from './ensemble';
import { createMessagePassingEnsemble } from './message-passing';
import { createMlpEnsemble } from './mlp-ensemble';
import { createStack } from './stack';

export interface LearningOptions {
  /** Worker threads of each family. No result depends on it. */
  readonly threads: number;
  /** TensorFlow.js backend of the ensembles; `auto` takes the best one present. */
  readonly backend: 'auto' | 'tensorflow-gpu' | 'tensorflow' | 'wasm' | 'cpu';
}

/** All model families behind the port. Threads start on first use. */
export function createLearning({ threads, backend }: LearningOptions): Learning {
  // Networks of all kinds train in the same threads, each with one TensorFlow.js.
  const memberThreads = createMemberThreads({ threads, backend });
  const ensemble = createMlpEnsemble(memberThreads);
  const bases: Pick<Learning, 'fit' | 'load'> = {
    fit: async (request) => families[request.settings.family].fit(request),
    load: async (family, bytes) => families[family].load(bytes),
  };
  const families: Record<ModelFamily, ModelFamilyAdapter> = {
    'gaussian-process': createGaussianProcess({ threads }),
    'mlp-ensemble': ensemble,
    'message-passing-ensemble': createMessagePassingEnsemble(memberThreads),
    'random-forest': createRandomForest({ threads }),
    stack: createStack(bases),
  };
  return {
    runtime: () => ensemble.runtime(),
    ...bases,
    async close() {
      await Promise.all(Object.values(families).map((family) => family.close()));
    },
  };
}
