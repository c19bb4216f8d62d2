/**
 * Pieces of a WebAssembly module in its binary form (core specification 2.0, sections 5.3 to 5.5), for the few hot loops that are
 * written instruction by instruction.
 */

/** Codes of the value types used here, and of a block without a result. */
export const I32 = 0x7f;
export const F32 = 0x7d;
export const V128 = 0x7b;
export const EMPTY = 0x40;

/** Codes of the instructions used here (section 5.4). */
export const OP = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  i32Const: 0x41,
  i32LtU: 0x49,
  i32GeU: 0x4f,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Shl: 0x74,
} as const;

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

/** Signed LEB128, as constants in instructions have it. */
export function signedLeb(value: number): number[] {
  const out: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    // The rest is the sign, and bit 6 says which.
    if (value === (low & 0x40 ? -1 : 0)) return [...out, low];
    out.push(low | 0x80);
  }
}

export const vector = (items: readonly number[][]): number[] => [...leb(items.length), ...items.flat()];
export const name = (text: string): number[] => [...leb(text.length), ...Buffer.from(text)];
export const simd = (code: number): number[] => [0xfd, ...leb(code)];
const section = (id: number, body: readonly number[]): number[] => [id, ...leb(body.length), ...body];

/** A function of a module. */
export interface WasmFunction {
  /** Types of its parameters; it has no result. */
  readonly parameters: readonly number[];
  /** Name under which it is exported. */
  readonly exported: string;
  /** Its locals, in runs of one type: how many, of which. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  /** Instructions, the closing `end` with them. */
  readonly body: readonly number[];
}

/** Names under which a memory is imported. */
type ImportedMemory = readonly [module: string, name: string];

/** The bytes of a module of functions on an imported memory. */
export function moduleOf(
  memory: ImportedMemory,
  functions: readonly WasmFunction[],
): Uint8Array<ArrayBuffer> {
  const codes = functions.map(({ locals, body }) => [
    ...vector(locals.map(([count, type]) => [...leb(count), type])),
    ...body,
  ]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      vector(functions.map(({ parameters }) => [0x60, ...vector(parameters.map((type) => [type])), 0])),
    ),
    ...section(2, vector([[...name(memory[0]), ...name(memory[1]), 0x02, 0x00, 0x00]])),
    ...section(3, vector(functions.map((_, i) => leb(i)))),
    ...section(7, vector(functions.map(({ exported }, i) => [...name(exported), 0x00, ...leb(i)]))),
    ...section(10, vector(codes.map((code) => [...leb(code.length), ...code]))),
  ]);
}

/** The bytes of a module of one function. */
export function functionModule({
  memory,
  ...only
}: WasmFunction & { readonly memory: ImportedMemory }): Uint8Array<ArrayBuffer> {
  return moduleOf(memory, [only]);
}
