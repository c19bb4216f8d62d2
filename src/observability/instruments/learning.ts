import type { FittedModel, Learning } from '../../learning';
import type { Metrics } from '../metrics/metrics';

/** The TensorFlow.js backend that computes on an accelerator. */
const ACCELERATED = 'tensorflow-gpu';

/**
 * Learning whose loaded models count the candidates that they are asked about: for a worker that chooses batches, where models are loaded for
 * nothing else.
 * @param onBackend told whether networks are computed on an accelerator, once that is known
 */
export function observeScoring(
  learning: Learning,
  { acquisition }: Pick<Metrics, 'acquisition'>,
  onBackend: (accelerated: boolean) => void = () => {},
): Learning {
  const { candidates, variances } = acquisition;
  const count = (rows: number, computed: number) => {
    candidates.inc(rows);
    variances.inc({ outcome: 'computed' }, computed);
    if (computed < rows) variances.inc({ outcome: 'skipped' }, rows - computed);
  };

  function observe(model: FittedModel): FittedModel {
    const { family, backend, computeSeconds, facts } = model;
    return {
      ...{ family, backend, computeSeconds, facts },
      async predict(features, signal) {
        const prediction = await model.predict(features, signal);
        count(features.rows, features.rows);
        return prediction;
      },
      ...(model.best && {
        async best(features, request, signal) {
          const found = await model.best!(features, request, signal);
          count(features.rows, found.evaluated);
          return found;
        },
      }),
      ...(model.crossCovariance && {
        crossCovariance: (features, others, signal) => model.crossCovariance!(features, others, signal),
      }),
      predictAll: (features, signal) => model.predictAll(features, signal),
      covariance: (features, signal) => model.covariance(features, signal),
      sample: (features, count, seed, signal) => model.sample(features, count, seed, signal),
      serialise: () => model.serialise(),
      dispose: () => model.dispose(),
    } satisfies FittedModel;
  }

  return {
    async runtime() {
      const runtime = await learning.runtime();
      onBackend(runtime.backend === ACCELERATED);
      return runtime;
    },
    fit: (request) => learning.fit(request),
    load: async (family, bytes) => observe(await learning.load(family, bytes)),
    close: () => learning.close(),
  };
}
