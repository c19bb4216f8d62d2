import { TitrateError } from '../../contracts';
import { columnCount, type ForestColumns } from './columns';
import { sharedFloat32, sharedInt32, sharedUint32, treeCount, type PackedTrees } from './packed-trees';
import type { Forest } from './predict-rows';

/**
 * Forests, one a property, as bytes: magic, header length (uint32), JSON header, then the arrays of each forest one after another, all
 * little-endian. What follows from preorder is left out: right children, leaf numbers, and thresholds of leaves.
 */
const MAGIC = 'titrate-rf\n\x01';
const PREAMBLE = MAGIC.length + 4;

interface ForestHeader extends Omit<Forest, 'columns' | 'trees'> {
  readonly columns: Omit<ForestColumns, 'counted' | 'real'> & {
    readonly counted: number;
    readonly real: number;
  };
  readonly trees: number;
  readonly nodes: number;
  readonly leaves: number;
  /** Leaves with errors: all, or none. */
  readonly errors: number;
}

const raw = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
/** Stands for a leaf among the columns of nodes, which take two bytes where that is enough. */
const leafMark = (width: number) => (width < 0xffff ? 0xffff : 0xffffffff);
const columnBytes = (width: number) => (width < 0xffff ? 2 : 4);

export function encodeForests(forests: readonly Forest[]): Uint8Array {
  const headers = forests.map(({ columns, trees, ...rest }): ForestHeader => {
    const { counted, real, ...kept } = columns;
    return {
      ...rest,
      columns: { ...kept, counted: counted.length, real: real.length },
      trees: treeCount(trees),
      nodes: trees.columns.length,
      leaves: trees.values.length,
      errors: trees.errors.length,
    };
  });
  const json = Buffer.from(JSON.stringify(headers), 'utf8');
  const preamble = Buffer.alloc(PREAMBLE);
  preamble.write(MAGIC, 'latin1');
  preamble.writeUInt32LE(json.length, MAGIC.length);
  return Buffer.concat([preamble, json, ...forests.flatMap(arraysOf)]);
}

function arraysOf({ columns, trees }: Forest): Buffer[] {
  const mark = leafMark(columnCount(columns));
  const wide = columnBytes(columnCount(columns)) === 4;
  const marked = wide ? new Uint32Array(trees.columns.length) : new Uint16Array(trees.columns.length);
  const thresholds = new Float32Array(trees.columns.length - trees.values.length);
  let inner = 0;
  trees.columns.forEach((column, node) => {
    marked[node] = column < 0 ? mark : column;
    if (column >= 0) thresholds[inner++] = trees.thresholds[node]!;
  });
  const { nodeStarts, values, errors, errorCounts } = trees;
  return [columns.counted, columns.real, nodeStarts, marked, thresholds, values, errors, errorCounts].map(
    raw,
  );
}

/** @throws artifact-corrupt if these are not the bytes of forests, or not all of them */
export function decodeForests(bytes: Uint8Array): Forest[] {
  const buffer = raw(bytes);
  if (buffer.length < PREAMBLE || buffer.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw corrupt('these bytes do not begin like a random forest of this version');
  let at = PREAMBLE + buffer.readUInt32LE(MAGIC.length);
  let headers: ForestHeader[];
  try {
    headers = JSON.parse(buffer.toString('utf8', PREAMBLE, at)) as ForestHeader[];
  } catch (cause) {
    throw corrupt('the header of this random forest is not JSON', cause);
  }
  const expected = headers.reduce((sum, header) => sum + sizeOf(header), at);
  if (buffer.length !== expected)
    throw corrupt(`this random forest should be ${expected} bytes and is ${buffer.length}`);
  return headers.map(({ columns: kept, trees, nodes, leaves, errors, ...rest }): Forest => {
    const take = <T extends ArrayBufferView>(into: T): T => {
      const target = raw(into);
      buffer.copy(target, 0, at, (at += target.length));
      return into;
    };
    const width = kept.counted + kept.real;
    const counted = take(sharedUint32(kept.counted));
    const real = take(sharedInt32(kept.real));
    const nodeStarts = take(sharedInt32(trees + 1));
    const marked = take(columnBytes(width) === 4 ? new Uint32Array(nodes) : new Uint16Array(nodes));
    const inner = take(new Float32Array(nodes - leaves));
    const packed = rebuild({ nodeStarts, marked, inner, leaves }, width);
    return {
      ...rest,
      columns: { ...kept, counted, real },
      trees: {
        ...packed,
        values: take(sharedFloat32(leaves)),
        errors: take(sharedFloat32(errors)),
        errorCounts: take(sharedUint32(errors)),
      },
    };
  });
}

function sizeOf({ columns: { counted, real }, trees, nodes, leaves, errors }: ForestHeader): number {
  const words = counted + real + trees + 1 + (nodes - leaves) + leaves + 2 * errors;
  return 4 * words + nodes * columnBytes(counted + real);
}

interface Stored {
  readonly nodeStarts: Int32Array;
  readonly marked: Uint16Array | Uint32Array;
  readonly inner: Float32Array;
  readonly leaves: number;
}

/** @throws artifact-corrupt where nodes do not make trees */
function rebuild(
  { nodeStarts, marked, inner, leaves }: Stored,
  width: number,
): Omit<PackedTrees, 'values' | 'errors' | 'errorCounts'> {
  const nodes = marked.length;
  const mark = leafMark(width);
  const columns = sharedInt32(nodes);
  const thresholds = sharedFloat32(nodes);
  const rights = sharedInt32(nodes);
  const leafStarts = sharedInt32(nodeStarts.length);
  let [seenInner, seenLeaves] = [0, 0];
  for (let t = 0; t + 1 < nodeStarts.length; t++) {
    const [from, to] = [nodeStarts[t]!, nodeStarts[t + 1]!];
    const waiting: number[] = [];
    let open = from < to;
    for (let node = from; node < to; node++) {
      if (!open) throw corrupt(`tree ${t} goes on behind its last leaf`);
      const column = marked[node]!;
      if (column === mark) {
        columns[node] = -1;
        rights[node] = seenLeaves++ - leafStarts[t]!;
        const parent = waiting.pop();
        if (parent === undefined) open = false;
        else rights[parent] = node + 1 - from;
        continue;
      }
      if (column >= width) throw corrupt(`tree ${t} asks for column ${column} of ${width}`);
      columns[node] = column;
      thresholds[node] = inner[seenInner++]!;
      waiting.push(node);
    }
    if (open || from >= to) throw corrupt(`tree ${t} ends in the middle`);
    leafStarts[t + 1] = seenLeaves;
  }
  if (nodeStarts[0] !== 0 || nodeStarts.at(-1) !== nodes || seenLeaves !== leaves)
    throw corrupt(`its trees have ${seenLeaves} leaves; its header says ${leaves}`);
  return { nodeStarts, leafStarts, columns, thresholds, rights };
}

function corrupt(what: string, cause?: unknown): TitrateError {
  return new TitrateError(
    'artifact-corrupt',
    { what, where: 'random-forest model', remedy: 'Fetch the model again, or promote another version' },
    { cause },
  );
}
