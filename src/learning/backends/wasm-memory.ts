import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { wasm } from '../wasm-module';

interface EmscriptenModule {
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  readonly asm: { readonly memory: object };
}

const moduleOf = (backend: BackendWasm) => backend.wasm as unknown as EmscriptenModule;

/** The heap as it is now; an allocation may replace it, so take it after allocating and keep no view. */
export function heapOf(backend: BackendWasm): ArrayBuffer {
  return moduleOf(backend).HEAPU8.buffer;
}

/** Starts a second module that works on the backend's memory, imported as `tfjs.memory`, and returns its exports. */
export function instantiateBeside(backend: BackendWasm, bytes: Uint8Array): Record<string, unknown> {
  return new wasm.Instance(new wasm.Module(bytes), { tfjs: { memory: moduleOf(backend).asm.memory } })
    .exports;
}
