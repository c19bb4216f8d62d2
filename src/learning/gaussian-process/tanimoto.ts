import { kernelRows } from './kernel-rows';
import type { TanimotoReference } from './reference';

export {
  buildReference,
  kernelRow,
  squaredDistance,
  type KernelMix,
  type TanimotoReference,
} from './reference';
export { kernelRows } from './kernel-rows';

/** Kernel of the reference rows among themselves: row-major n x n, both triangles. */
export function kernelMatrix(reference: TanimotoReference): Float64Array {
  const n = reference.encoded.rows;
  const out = new Float64Array(n * n);
  kernelRows(reference, reference.encoded, 0, n, out);
  return out;
}
