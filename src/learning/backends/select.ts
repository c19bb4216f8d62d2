import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import { TitrateError } from '../../contracts';
import {
  BACKENDS,
  type BackendChoice,
  type BackendName,
  type BackendReport,
  type SkippedBackend,
} from './backend';
import { vectorInstructions } from './cpu-features';
import { registerAttributeNames } from './native-attributes';
import { NATIVE_REVISION, nativeCpu, registerSparseSegmentSum, type NativeBackend } from './native';
import { newStartCell, StartLock } from './start-lock';
import { startWasm } from './wasm';

/** Names a backend and makes it the current one, or throws an Error whose message is the reason why it cannot. */
type Start = (lock: StartLock) => Promise<Pick<BackendReport, 'backendVersion' | 'cpu'>>;

const requireOptional = createRequire(__filename);

const starts: Record<BackendName, Start> = {
  'tensorflow-gpu': (lock) => startNative('@tensorflow/tfjs-node-gpu', true, lock),
  tensorflow: (lock) => startNative('@tensorflow/tfjs-node', false, lock),
  wasm: startWasm,
  async cpu() {
    if (!(await tf.setBackend('cpu'))) throw new Error('TensorFlow.js could not start it');
    return { backendVersion: tf.version.tfjs, cpu: process.arch };
  },
};

const remedies: Record<BackendName, string> = {
  'tensorflow-gpu':
    'Install @tensorflow/tfjs-node-gpu on Node 20 or 22, with an NVIDIA driver and the CUDA libraries it asks for, or choose another backend',
  tensorflow: 'Install @tensorflow/tfjs-node on Node 20 or 22, or choose another backend',
  wasm: 'Install the dependencies again (npm ci), or choose another backend',
  cpu: 'Install the dependencies again (npm ci)',
};

async function startNative(
  name: string,
  gpu: boolean,
  lock: StartLock,
): Promise<Pick<BackendReport, 'backendVersion' | 'cpu'>> {
  // Read by libtensorflow when it is loaded. One thread a member: the pool of members is what uses the cores, and sums
  // that are split over threads would depend on how many there are.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (!gpu) process.env.TF_NUM_INTRAOP_THREADS ??= '1';
  try {
    requireOptional.resolve(name);
  } catch (cause) {
    throw new Error(`${name} is not installed`, { cause });
  }
  // The binding's names of attributes are shared by all threads of the process: one thread at a time until they are all there.
  const native = await lock.run(async () => {
    try {
      requireOptional(name);
    } catch (error) {
      throw new Error(`${name} does not load: ${firstLine(error)}`, { cause: error });
    }
    if (!(await tf.setBackend('tensorflow'))) throw new Error(`${name} registered no backend`);
    const backend = tf.backend() as unknown as NativeBackend;
    registerAttributeNames(backend);
    return backend;
  });
  if (gpu && !native.isUsingGpuDevice) throw new Error(`${name} loads but finds no GPU to run on`);
  if (nativeCpu()) registerSparseSegmentSum();
  return {
    backendVersion: `${native.binding.TF_Version} (tfjs ${tf.version.tfjs})+operations.${NATIVE_REVISION}`,
    cpu: `${process.arch}${vectorInstructions()}`,
  };
}

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!;

/** A product, a transpose and a read-back whose answer is known: on Node 24 the native package fails here, not at loading. */
function probe(): void {
  const sum = tf.tidy(() => {
    const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    return tf.sum(tf.matMul(a, a, false, true)).dataSync()[0];
  });
  if (sum !== 5 * 5 + 7 * 7 + 9 * 9)
    throw new Error(`it computes wrongly: a sum that is 155 came out as ${sum}`);
}

/**
 * Makes a TensorFlow.js backend current in this thread and proves with real operations that it works.
 * @param choice `auto` for the best there is, in the order of {@link BACKENDS}; or the one to use and no other
 * @param startCell shared by all threads of the process that do this; left out where there is but one
 * @throws runtime-mismatch when the one asked for is not there, with the reason and the remedy
 */
export async function selectBackend(
  choice: BackendChoice,
  startCell = newStartCell(),
): Promise<BackendReport> {
  // Production mode: no NaN scan after every operation, and no greeting on stderr.
  tf.enableProdMode();
  const lock = new StartLock(startCell);
  const skipped: SkippedBackend[] = [];
  for (const backend of choice === 'auto' ? BACKENDS : [choice]) {
    try {
      const started = await starts[backend](lock);
      probe();
      return { backend, ...started, skipped };
    } catch (error) {
      skipped.push({ backend, reason: firstLine(error) });
      // Both native packages register under one name: the next may only do so when this one is gone.
      if (backend.startsWith('tensorflow') && tf.findBackendFactory('tensorflow'))
        tf.removeBackend('tensorflow');
    }
  }
  const reasons = skipped.map(({ backend, reason }) => `${backend}: ${reason}`).join('; ');
  throw new TitrateError('runtime-mismatch', {
    what:
      choice === 'auto'
        ? `No TensorFlow.js backend works here (${reasons})`
        : `The backend '${choice}' is not available (${reasons})`,
    where: 'training backend',
    remedy: remedies[choice === 'auto' ? 'cpu' : choice],
  });
}
