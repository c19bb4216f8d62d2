/**
 * Pieces of a WebAssembly module in its binary form (core specification 2.0, sections 5.3 to 5.5), for the few hot loops that are
 * written instruction by instruction.
 */

/** Codes of the value types used here, and of a block without a result. */
export const I32 = 0x7f;
export const F32 = 0x7d;
export const V128 = 0x7b;
export const EMPTY = 0x40;

/** The part of the WebAssembly interface used here; the compiler's library without a browser has none of it. */
interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
  readonly Memory: new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
}
export const wasm = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;

/** Unsigned LEB128; also signed for the small positive constants used here (below 64 in each last byte). */
export function leb(value: number): number[] {
  const out: number[] = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    out.push(value ? low | 0x80 : low);
  } while (value);
  return out;
}

export const vector = (items: readonly number[][]): number[] => [...leb(items.length), ...items.flat()];
export const name = (text: string): number[] => [...leb(text.length), ...Buffer.from(text)];
export const simd = (code: number): number[] => [0xfd, ...leb(code)];
const section = (id: number, body: readonly number[]): number[] => [id, ...leb(body.length), ...body];

/** A module of one function on an imported memory. */
export interface FunctionModule {
  /** Types of its parameters; it has no result. */
  readonly parameters: readonly number[];
  /** Names under which the memory is imported. */
  readonly memory: readonly [module: string, name: string];
  /** Name under which the function is exported. */
  readonly exported: string;
  /** Its locals, in runs of one type: how many, of which. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  /** Instructions, the closing `end` with them. */
  readonly body: readonly number[];
}

/** The bytes of a module. */
export function functionModule(parts: FunctionModule): Uint8Array<ArrayBuffer> {
  const { parameters, memory, exported, locals, body } = parts;
  const code = [...vector(locals.map(([count, type]) => [...leb(count), type])), ...body];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([[0x60, ...vector(parameters.map((type) => [type])), 0]])),
    ...section(2, vector([[...name(memory[0]), ...name(memory[1]), 0x02, 0x00, 0x00]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...name(exported), 0x00, 0]])),
    ...section(10, vector([[...leb(code.length), ...code]])),
  ]);
}
