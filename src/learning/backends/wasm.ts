import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths, version_wasm as wasmVersion, type BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { BackendReport } from './backend';
import { registerAdamWKernel } from './wasm-adamw';
import { registerGatherSumKernel } from './wasm-gather-sum';
import { registerMatMulKernels } from './wasm-matmul';

/** Raise when a kernel of ours changes so that results may differ in a bit: it is part of the runtime that a campaign pins. */
const KERNEL_REVISION = 2;

let registered = false;

/** Starts the WASM backend from the installed package (no network) with the kernels that make training fast. */
export async function startWasm(): Promise<Pick<BackendReport, 'backendVersion' | 'cpu'>> {
  const folder = path.join(
    path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')),
    'dist',
    path.sep,
  );
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) as boolean;
  if (!tf.engine().registry['wasm']) setWasmPaths(folder);
  if (!(await tf.setBackend('wasm'))) throw new Error(`its module in ${folder} did not start`);
  if (!registered) {
    const started = tf.backend() as BackendWasm;
    registerGatherSumKernel(started, simd);
    if (simd) {
      registerMatMulKernels(started);
      registerAdamWKernel(started);
    }
    registered = true;
  }
  return {
    backendVersion: `${wasmVersion}+kernels.${KERNEL_REVISION}`,
    cpu: `${process.arch}${simd ? '+simd' : ''}`,
  };
}
