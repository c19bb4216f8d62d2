import * as tf from '@tensorflow/tfjs';
import type { MlpEnsembleSettings, TitrateError } from '../../../src/contracts';
import { selectBackend } from '../../../src/learning/backends/select';
import { createMlpEnsemble } from '../../../src/learning/mlp-ensemble';
import { mlpPlan } from '../../../src/learning/mlp-ensemble/plan';
import { FittedEnsemble } from '../../../src/learning/ensemble/fitted';
import { decodeEnsemble, memberShapes } from '../../../src/learning/ensemble/format';
import { standardise } from '../../../src/learning/ensemble/labels';
import { ThreadPool } from '../../../src/learning/ensemble/thread-pool';
import { trainMember } from '../../../src/learning/ensemble/train-member';
import { fingerprints, labelled, truth } from '../synthetic';

const settings: MlpEnsembleSettings = {
  family: 'mlp-ensemble',
  members: 5,
  hidden: [16, 8],
  dropout: 0.2,
  learningRate: 1e-3,
  weightDecay: 0.01,
  batchSize: 16,
  epochs: 2,
};
const features = fingerprints(60, 1);
const set = labelled(features, truth(features));
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: TitrateError) => error.code,
  );

describe('memory', () => {
  it.each(['wasm', 'cpu'] as const)(
    'fits leave no tensor on %s, finished, cancelled or failed',
    async (backend) => {
      await selectBackend(backend);
      const { labels } = standardise(set);
      const request = { settings, task: 'regression' as const, features, labels: [labels], seed: 1 };
      const before = tf.memory();
      for (let i = 0; i < 3; i++) trainMember(request, () => false);
      let steps = 0;
      expect(() => trainMember(request, () => steps++ > 2)).toThrow(/cancelled/);
      expect(() =>
        trainMember({ ...request, settings: { ...settings, learningRate: 1e30 } }, () => false),
      ).toThrow(/loss/);
      expect(tf.memory().numTensors).toBe(before.numTensors);
      expect(tf.memory().numBytes).toBe(before.numBytes);
    },
  );

  it('a loaded model stays in its threads until it is disposed of', async () => {
    const ensemble = createMlpEnsemble({ threads: 1, backend: 'wasm' });
    const bytes = await (await ensemble.fit({ settings, labelled: set, seed: 1 })).serialise();
    await ensemble.close();

    const pool = new ThreadPool(2, { backend: 'wasm' });
    const tensors = async () => [
      (await pool.run('report', {}, { thread: 0 })).tensors,
      (await pool.run('report', {}, { thread: 1 })).tensors,
    ];
    expect(await tensors()).toEqual([0, 0]);
    const model = new FittedEnsemble(mlpPlan, decodeEnsemble(mlpPlan, bytes), pool, 0);
    await model.warmUp();
    const parameters = memberShapes(mlpPlan, decodeEnsemble(mlpPlan, bytes)).length;
    expect(await tensors()).toEqual([3 * parameters, 2 * parameters]);
    for (let i = 0; i < 5; i++) await model.predict(features);
    expect(await tensors()).toEqual([3 * parameters, 2 * parameters]);
    model.dispose();
    expect(await tensors()).toEqual([0, 0]);
    await pool.close();
  });
});

describe('the thread pool', () => {
  it('replaces a thread that died, and a model survives it', async () => {
    const ensemble = createMlpEnsemble({ threads: 1, backend: 'wasm' });
    const model = await ensemble.fit({ settings, labelled: set, seed: 1 });
    const pool = new ThreadPool(1, { backend: 'wasm' });
    const copy = new FittedEnsemble(mlpPlan, decodeEnsemble(mlpPlan, await model.serialise()), pool, 0);
    const before = await copy.predict(features);
    const slots = (pool as unknown as { slots: { worker: { terminate(): Promise<number> } | null }[] }).slots;
    const running = pool.run('train', {
      settings: { ...settings, epochs: 1e6 },
      task: 'regression',
      features,
      labels: [standardise(set).labels],
      seed: 1,
    });
    const outcome = codeOf(running);
    await slots[0]!.worker!.terminate();
    expect(await outcome).toBe('thread-died');
    expect(await copy.predict(features)).toEqual(before);
    await pool.close();
    await ensemble.close();
  });

  it('passes on why a backend is missing, and refuses work once closed', async () => {
    const { skipped } = await selectBackend('auto');
    if (skipped[0]) {
      const ensemble = createMlpEnsemble({ threads: 1, backend: skipped[0].backend });
      expect(await codeOf(ensemble.runtime())).toBe('runtime-mismatch');
      expect(await codeOf(ensemble.fit({ settings, labelled: set, seed: 1 }))).toBe('runtime-mismatch');
      await ensemble.close();
    }
    const ensemble = createMlpEnsemble({ threads: 1, backend: 'wasm' });
    const pending = codeOf(ensemble.fit({ settings: { ...settings, epochs: 1e6 }, labelled: set, seed: 1 }));
    await ensemble.close();
    expect(await pending).toBe('unavailable');
    expect(await codeOf(ensemble.fit({ settings, labelled: set, seed: 1 }))).toBe('unavailable');
  });

  it('is not made with less than one thread', () => {
    expect(() => createMlpEnsemble({ threads: 0, backend: 'wasm' })).toThrow(/threads is 0/);
  });
});
