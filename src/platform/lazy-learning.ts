import type { Learning, LearningOptions } from '../learning';

/**
 * The model families, loaded when one of them is first asked for something: TensorFlow.js costs a second and 100 MB that commands
 * on data, and processes that never train or predict, need not pay.
 */
export function lazyLearning(options: LearningOptions): Learning {
  let opened: Promise<Learning> | undefined;
  const learning = () =>
    (opened ??= import('../learning').then(({ createLearning }) => createLearning(options)));
  return {
    runtime: async () => (await learning()).runtime(),
    fit: async (request) => (await learning()).fit(request),
    load: async (family, bytes) => (await learning()).load(family, bytes),
    // Why it could not be opened was told to whoever asked for it.
    close: async () =>
      opened?.then(
        (families) => families.close(),
        () => undefined,
      ),
  };
}
