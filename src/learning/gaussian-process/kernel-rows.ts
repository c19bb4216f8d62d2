import { squareOf } from './dense-columns';
import type { EncodedRows } from './feature-space';
import { CONSTANT_VECTORS, putConstants } from './kernel-loops';
import { createKernelMachine, type KernelMachine } from './kernel-machine';
import { subtractProduct } from './products';
import { kernelRow, type TanimotoReference } from './reference';
import { entryWords, SharedCounts } from './shared-counts';

/** Rows whose distances are one product. */
const BLOCK = 64;
const DOUBLE = 8;

/** One machine a thread, replaced by a larger one when memory asks for it. */
let machine: KernelMachine | undefined;

export function machineOf(bytes: number): KernelMachine {
  if (!machine || machine.memory.byteLength < bytes) machine = createKernelMachine(bytes);
  return machine;
}

/**
 * Kernel values of `count` query rows from `from` on against every reference row; what `kernelRow` gives, to 1e-14. Each row depends
 * on itself and the reference alone: the same bits however rows are grouped into calls.
 * @param out row-major count x reference rows, from its start.
 */
export function kernelRows(
  reference: TanimotoReference,
  query: EncodedRows,
  from: number,
  count: number,
  out: Float64Array,
): void {
  const { encoded, mix, dense } = reference;
  const n = encoded.rows;
  const overlap = new Int32Array(dense ? 0 : n);
  const plain = (row: number) =>
    kernelRow(
      reference,
      query,
      row,
      overlap.length === n ? overlap : new Int32Array(n),
      out,
      (row - from) * n,
    );
  if (!dense) {
    for (let row = from; row < from + count; row++) plain(row);
    return;
  }
  const { stride, bytes } = dense;
  const { width } = encoded;
  const apart = mix !== undefined && width > 0;
  const sizes = [
    bytes.length,
    DOUBLE * stride,
    DOUBLE * stride,
    DOUBLE * BLOCK * stride,
    DOUBLE * stride,
    2 * stride,
    2 * DOUBLE * CONSTANT_VECTORS,
    4 * entryWords(query),
  ];
  const places: number[] = [];
  let size = 0;
  for (const each of sizes) {
    places.push(size);
    size += Math.ceil(each / 16) * 16;
  }
  const [columns, totals, squares, products, values, shared, constants, entries] = places as Eight;
  const { memory, ratios64, mixed64 } = machineOf(size);
  const doubles = (at: number, length: number) => new Float64Array(memory, at, length);
  new Uint8Array(memory, columns, bytes.length).set(bytes);
  doubles(totals, stride).set(dense.totals);
  doubles(squares, stride).set(dense.squares);
  const blockProducts = doubles(products, BLOCK * stride);
  const row64 = doubles(values, n);
  const rowConstants = doubles(constants, 2 * CONSTANT_VECTORS);
  const counts = new SharedCounts(machine!, reference, { columns, entries, shared });
  const weights = {
    structure: mix?.structure ?? 1,
    product: mix?.product ?? 0,
    descriptors: mix?.descriptors ?? 0,
  };
  const factor = apart ? -1 / (4 * mix.lengthScale ** 2 * width) : 0;
  const levelsOf = ({ levels }: EncodedRows, at: number) => ({ data: levels, at, stride: width });
  putConstants(rowConstants, { own: 0, square: 0, factor, ...weights });

  for (let first = from; first < from + count; first += BLOCK) {
    const rows = Math.min(BLOCK, from + count - first);
    if (apart) {
      blockProducts.fill(0, 0, rows * stride);
      const target = { data: blockProducts, at: 0, stride };
      const sizeOf = { rows, columns: n, depth: width };
      subtractProduct(target, levelsOf(query, first * width), levelsOf(encoded, 0), sizeOf);
    }
    for (let r = 0; r < rows; r++) {
      const row = first + r;
      const own = query.counts[row]!;
      if (own === 0) {
        // Nothing over nothing is 1: the plain path knows.
        plain(row);
        continue;
      }
      counts.of(query, row);
      rowConstants.fill(own, 0, 2);
      if (apart) rowConstants.fill(squareOf(query, row), 2, 4);
      const run = apart ? mixed64 : ratios64;
      const line = products + r * stride * DOUBLE;
      run(shared, totals, squares, line, values, values + DOUBLE * Math.ceil(n / 4) * 4, constants);
      out.set(row64, (row - from) * n);
    }
  }
}

type Eight = [number, number, number, number, number, number, number, number];
