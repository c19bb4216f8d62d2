import type { Tree } from './grow-tree';

/**
 * All trees of a forest one after another, on shared memory. Nodes of tree t are [nodeStarts[t], nodeStarts[t + 1]), in preorder as in
 * `Tree`, with `rights` counted from the tree's first node; leaves likewise.
 */
export interface PackedTrees {
  readonly nodeStarts: Int32Array;
  readonly leafStarts: Int32Array;
  readonly columns: Int32Array;
  readonly thresholds: Float32Array;
  readonly rights: Int32Array;
  /** One entry a leaf. */
  readonly values: Float32Array;
  /** Squared out-of-bag errors of the rows that fell into the leaf unseen, summed, and their number; empty for classes. */
  readonly errors: Float32Array;
  readonly errorCounts: Uint32Array;
}

export const sharedInt32 = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
export const sharedUint32 = (length: number) => new Uint32Array(new SharedArrayBuffer(length * 4));
export const sharedFloat32 = (length: number) => new Float32Array(new SharedArrayBuffer(length * 4));
export const sharedFloat64 = (values: Float64Array) => {
  const copy = new Float64Array(new SharedArrayBuffer(values.length * 8));
  copy.set(values);
  return copy;
};

/** @param withErrors room for the leaves' errors, which are 0 so far */
export function packTrees(trees: readonly Tree[], withErrors: boolean): PackedTrees {
  const nodeStarts = sharedInt32(trees.length + 1);
  const leafStarts = sharedInt32(trees.length + 1);
  trees.forEach(({ columns, values }, t) => {
    nodeStarts[t + 1] = nodeStarts[t]! + columns.length;
    leafStarts[t + 1] = leafStarts[t]! + values.length;
  });
  const [nodes, leaves] = [nodeStarts[trees.length]!, leafStarts[trees.length]!];
  const packed: PackedTrees = {
    nodeStarts,
    leafStarts,
    columns: sharedInt32(nodes),
    thresholds: sharedFloat32(nodes),
    rights: sharedInt32(nodes),
    values: sharedFloat32(leaves),
    errors: sharedFloat32(withErrors ? leaves : 0),
    errorCounts: sharedUint32(withErrors ? leaves : 0),
  };
  trees.forEach(({ columns, thresholds, rights, values }, t) => {
    packed.columns.set(columns, nodeStarts[t]);
    packed.thresholds.set(thresholds, nodeStarts[t]);
    packed.rights.set(rights, nodeStarts[t]);
    packed.values.set(values, leafStarts[t]);
  });
  return packed;
}

export const treeCount = ({ nodeStarts }: Pick<PackedTrees, 'nodeStarts'>): number => nodeStarts.length - 1;
