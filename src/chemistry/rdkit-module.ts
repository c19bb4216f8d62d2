import { readFileSync } from 'node:fs';
import path from 'node:path';
import initRdkit from '@rdkit/rdkit';

interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}
interface WasmInstance {
  readonly exports: Record<string, unknown>;
}
/** The part of Node's WebAssembly that is used here: @types/node has none of it. */
declare const WebAssembly: {
  readonly Memory: new () => WasmMemory;
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: WasmInstance; module: object }>;
};

/** RDKit's WASM module; every object it hands out must be given back with `.delete()` (10 kB a molecule leak otherwise). */
export type Rdkit = Awaited<ReturnType<typeof initRdkit>>;
export type RdkitMol = NonNullable<ReturnType<Rdkit['get_mol']>>;

export interface LoadedRdkit {
  readonly rdkit: Rdkit;
  /** What RDKit logged since the last call, on one line without clock times; '' for nothing. Empties the log. */
  takeLog(): string;
  /** Size of the WASM memory, bytes; it never shrinks. */
  memoryBytes(): number;
}

/** Instantiates RDKit in this thread: about 0.2 s. */
export async function loadRdkit(): Promise<LoadedRdkit> {
  let memory: WasmMemory | undefined;
  const wasmPath = path.join(path.dirname(require.resolve('@rdkit/rdkit')), 'RDKit_minimal.wasm');
  const rdkit = await initRdkit({
    // What RDKit prints would interleave with our own output; reasons come from the captured log.
    print: () => {},
    printErr: () => {},
    instantiateWasm(imports: object, receive: (instance: WasmInstance, module: object) => void) {
      void WebAssembly.instantiate(readFileSync(wasmPath), imports).then(({ instance, module }) => {
        memory = Object.values(instance.exports).find((item) => item instanceof WebAssembly.Memory);
        receive(instance, module);
      });
      return {};
    },
  });
  const log = rdkit.set_log_capture('rdApp.*');
  return {
    rdkit,
    takeLog() {
      const text = log?.get_buffer() ?? '';
      if (text !== '') log?.clear_buffer();
      return oneLine(text);
    },
    memoryBytes: () => memory?.buffer.byteLength ?? 0,
  };
}

/** RDKit's log as a reason: no times (they would differ between two runs), no warnings, no echo of the input with a caret. */
function oneLine(log: string): string {
  const lines = log
    .split('\n')
    .map((line) => line.replace(/^\[[\d:]+\]\s*/, '').trim())
    .filter(
      (line) =>
        /\s/.test(line) && !/^(WARNING|Omitted|Accepted|Proton|Charges)/.test(line) && !/~|\^$/.test(line),
    );
  const text = lines.slice(0, 2).join('; ').replace(/:$/, '');
  return text.length > 300 ? `${text.slice(0, 297)}...` : text;
}

/**
 * RDKit's version as it calls itself ('2026.09.1'), from the installed package and without starting a thread: what a
 * cache key of features holds.
 */
export function rdkitVersion(): string {
  const manifest = path.join(path.dirname(require.resolve('@rdkit/rdkit')), '..', 'package.json');
  const [year, month, patch] = (
    JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  ).version.split('.');
  return `${year}.${month!.padStart(2, '0')}.${patch}`;
}
