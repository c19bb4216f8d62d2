import * as tf from '@tensorflow/tfjs';
import { TitrateError } from '../../../src/contracts';
import { selectBackend } from '../../../src/learning/backends/select';
import { vectorInstructions } from '../../../src/learning/backends/cpu-features';

describe('selecting a backend', () => {
  it('starts the one that is asked for, and says what it depends on', async () => {
    const cpu = await selectBackend('cpu');
    expect(cpu).toEqual({ backend: 'cpu', backendVersion: tf.version.tfjs, cpu: process.arch, skipped: [] });
    expect(tf.getBackend()).toBe('cpu');

    const wasm = await selectBackend('wasm');
    expect(wasm).toMatchObject({ backend: 'wasm', cpu: `${process.arch}+simd`, skipped: [] });
    expect(wasm.backendVersion).toMatch(/^\d+\.\d+\.\d+\+kernels\.\d+$/);
    expect(tf.getBackend()).toBe('wasm');
  });

  it('takes the best there is and keeps the reasons for those passed over', async () => {
    const { backend, skipped } = await selectBackend('auto');
    const order = ['tensorflow-gpu', 'tensorflow', 'wasm'];
    expect(order).toContain(backend);
    expect(skipped.map((entry) => entry.backend)).toEqual(order.slice(0, order.indexOf(backend)));
    for (const { reason } of skipped) expect(reason).toMatch(/\S/);
  });

  it('refuses a backend that is not there, with the reason and what to do', async () => {
    const { skipped } = await selectBackend('auto');
    const missing = skipped[0];
    // Only a machine with a GPU and its package has everything.
    if (!missing) return;
    const error = (await selectBackend(missing.backend).catch((thrown: unknown) => thrown)) as TitrateError;
    expect(error).toBeInstanceOf(TitrateError);
    expect(error.code).toBe('runtime-mismatch');
    expect(error.parts.what).toContain(missing.reason);
    expect(error.parts.remedy).toContain('Install @tensorflow/tfjs-node');
  });

  it('names vector instructions in a fixed form', () => {
    expect(vectorInstructions()).toMatch(/^(\+(avx512f|avx2|avx|sse4_2|sve|asimd))?(\+fma)?$/);
  });
});
