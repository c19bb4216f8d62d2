/** Entry of a forest's thread. */
import { performance } from 'node:perf_hooks';
import { asTitrateError, TitrateError } from '../../contracts';
import { learnColumns } from './columns';
import { growTrees } from './grow-trees';
import { predictRows, rowCovariance, sampleRows } from './predict-rows';
import type { JobKind, JobMessage, Jobs, Reply } from './protocol';
import { binTraining } from './training-columns';

/** Seconds this thread has computed: its processor time where Node tells it (22 and later), else the wall clock. */
function computeClock(): number {
  const usage = (process as { threadCpuUsage?: () => { user: number; system: number } }).threadCpuUsage?.();
  return usage ? (usage.user + usage.system) / 1e6 : performance.now() / 1e3;
}

function handler<K extends JobKind>(
  work: (request: Jobs[K]['request'], cancelled: () => boolean) => Jobs[K]['answer'],
): (message: JobMessage<K>) => Reply<K> {
  return ({ request, cancel }) => {
    const start = computeClock();
    const cancelled = () => Atomics.load(cancel, 0) === 1;
    try {
      if (cancelled()) throw new TitrateError('cancelled', { what: 'the computation was cancelled' });
      return { value: work(request, cancelled), seconds: computeClock() - start };
    } catch (error) {
      const { code, parts } = asTitrateError(error);
      return { error: { code, parts } };
    }
  };
}

export const encode = handler<'encode'>(({ features }) => {
  const columns = learnColumns(features);
  return { columns, training: binTraining(columns, features) };
});
export const grow = handler<'grow'>((task, cancelled) => growTrees(task, cancelled));
export const predict = handler<'predict'>(({ forest, features }, cancelled) =>
  predictRows(forest, features, cancelled),
);
export const covariance = handler<'covariance'>(({ forest, features }, cancelled) =>
  rowCovariance(forest, features, cancelled),
);
export const sample = handler<'sample'>(({ forest, features, count, seed }, cancelled) =>
  sampleRows(forest, features, { count, seed }, cancelled),
);
