import {
  canonicalJson,
  featurizerName,
  featurizerSchema,
  TitrateError,
  type FeatureMatrix,
} from '../contracts';
import { featureShape } from './featurize';

/**
 * The file: 8 bytes magic, uint32 length of the header, the header (canonical JSON), uint32 length of the ids, the ids
 * (a JSON array), zeros up to a multiple of 8, the data. All little-endian. The same matrix gives the same bytes.
 */
const MAGIC = Buffer.from('TITRFM01', 'latin1');
const ALIGNMENT = 8;

const header = ({ spec, rows, columns, layout }: FeatureMatrix) => ({ spec, rows, columns, layout });
const rowLength = ({ columns, layout }: Pick<FeatureMatrix, 'columns' | 'layout'>) =>
  layout === 'bits' ? columns / 8 : columns;

/** A matrix of the given rows' ids and data. @throws internal when the sizes do not belong together */
export function featureMatrix(
  spec: FeatureMatrix['spec'],
  moleculeIds: readonly string[],
  data: FeatureMatrix['data'],
): FeatureMatrix {
  const shape = featureShape(spec);
  const matrix = { spec, moleculeIds, rows: moleculeIds.length, ...shape, data };
  if (
    data.length !== matrix.rows * rowLength(shape) ||
    (shape.layout === 'dense') !== data instanceof Float32Array
  ) {
    throw new TitrateError('internal', {
      what: `${data.length} values of ${data.constructor.name} are not ${matrix.rows} rows of ${shape.columns} ${shape.layout} columns`,
      where: `features ${featurizerName(spec)}`,
    });
  }
  return matrix;
}

/** Bytes of a matrix (media type `application/vnd.titrate.features`), deterministic. */
export function encodeFeatureMatrix(matrix: FeatureMatrix): Uint8Array {
  const sections = [canonicalJson(header(matrix)), JSON.stringify(matrix.moleculeIds)].map((text) =>
    Buffer.from(text, 'utf8'),
  );
  const parts: Buffer[] = [MAGIC];
  for (const section of sections) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(section.length);
    parts.push(length, section);
  }
  const used = parts.reduce((sum, part) => sum + part.length, 0);
  parts.push(Buffer.alloc((ALIGNMENT - (used % ALIGNMENT)) % ALIGNMENT));
  parts.push(Buffer.from(matrix.data.buffer, matrix.data.byteOffset, matrix.data.byteLength));
  return Buffer.concat(parts);
}

/**
 * The matrix of encoded bytes; the data is a view on them where their alignment allows, else a copy.
 * @throws artifact-corrupt
 */
export function decodeFeatureMatrix(bytes: Uint8Array): FeatureMatrix {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const corrupt = (what: string): never => {
    throw new TitrateError('artifact-corrupt', {
      what,
      where: 'features',
      remedy: 'Featurise the molecules again',
    });
  };
  if (!buffer.subarray(0, MAGIC.length).equals(MAGIC))
    corrupt(`it does not start with ${MAGIC.toString('latin1')}`);
  let at = MAGIC.length;
  const section = (): unknown => {
    const length = at + 4 <= buffer.length ? buffer.readUInt32LE(at) : Infinity;
    if (at + 4 + length > buffer.length) corrupt(`it ends after ${buffer.length} bytes, inside its header`);
    const text = buffer.toString('utf8', at + 4, at + 4 + length);
    at += 4 + length;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return corrupt('its header is not JSON');
    }
  };
  const head = section() as Partial<FeatureMatrix>;
  const ids = section();
  const spec = featurizerSchema.safeParse(head.spec);
  if (!spec.success) return corrupt(`its featurizer is not one: ${spec.error.issues[0]?.message}`);
  if (!Array.isArray(ids) || ids.length !== head.rows || !ids.every((id) => typeof id === 'string'))
    return corrupt(`it does not hold the ids of ${head.rows} rows`);
  const { columns, layout } = featureShape(spec.data);
  if (columns !== head.columns || layout !== head.layout)
    return corrupt(
      `${featurizerName(spec.data)} has ${columns} ${layout} columns, not ${head.columns} ${head.layout}`,
    );
  at += (ALIGNMENT - (at % ALIGNMENT)) % ALIGNMENT;
  const length = ids.length * rowLength({ columns, layout });
  const expected = at + length * (layout === 'dense' ? 4 : 1);
  if (buffer.length !== expected) corrupt(`it has ${buffer.length} bytes and should have ${expected}`);
  const view = layout === 'bits' || (bytes.byteOffset + at) % 4 === 0 ? bytes : Uint8Array.from(bytes);
  const offset = view.byteOffset + at;
  const data =
    layout === 'bits'
      ? new Uint8Array(view.buffer, offset, length)
      : new Float32Array(view.buffer, offset, length);
  return featureMatrix(spec.data, ids as string[], data);
}

/**
 * The rows of several matrices, one after the other in the order given.
 * @throws internal when the list is empty or the matrices are not of one featurizer
 */
export function concatFeatureMatrices(matrices: readonly FeatureMatrix[]): FeatureMatrix {
  const [first] = matrices;
  if (!first)
    throw new TitrateError('internal', {
      what: 'no feature matrices to put together',
      where: 'concatFeatureMatrices',
    });
  const key = canonicalJson(first.spec);
  const other = matrices.find(({ spec }) => canonicalJson(spec) !== key);
  if (other) {
    throw new TitrateError('internal', {
      what: `features of ${featurizerName(first.spec)} and of ${featurizerName(other.spec)} do not share their columns`,
      where: 'concatFeatureMatrices',
    });
  }
  const length = matrices.reduce((sum, { data }) => sum + data.length, 0);
  const data = first.layout === 'bits' ? new Uint8Array(length) : new Float32Array(length);
  let at = 0;
  for (const matrix of matrices) {
    data.set(matrix.data, at);
    at += matrix.data.length;
  }
  return featureMatrix(
    first.spec,
    matrices.flatMap(({ moleculeIds }) => moleculeIds),
    data,
  );
}

/**
 * Rows by index, in the order of `indices`; an index may come twice.
 * @throws internal when an index is out of range
 */
export function selectRows(matrix: FeatureMatrix, indices: ArrayLike<number>): FeatureMatrix {
  const width = rowLength(matrix);
  const data =
    matrix.layout === 'bits'
      ? new Uint8Array(indices.length * width)
      : new Float32Array(indices.length * width);
  const ids = Array.from(indices, (index, to) => {
    if (!Number.isInteger(index) || index < 0 || index >= matrix.rows)
      throw new TitrateError('internal', { what: `row ${index} of ${matrix.rows}`, where: 'selectRows' });
    data.set(matrix.data.subarray(index * width, (index + 1) * width), to * width);
    return matrix.moleculeIds[index]!;
  });
  return featureMatrix(matrix.spec, ids, data);
}
