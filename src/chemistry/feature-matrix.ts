import {
  canonicalJson,
  featurizerName,
  featurizerSchema,
  TitrateError,
  type FeatureMatrix,
} from '../contracts';
import { bundleFeatures, featureData, isRagged, raggedRowFault, rowStride } from '../foundation';
import type { FeatureRow, SingleRow } from './feature-row';
import { featureShape } from './featurize';

/**
 * The file: 8 bytes magic, uint32 length of the header, the header (canonical JSON), uint32 length of the ids, the ids
 * (a JSON array), zeros up to a multiple of 8, then the data, with the row offsets (uint32, rows + 1) before them where rows vary
 * in length. A bundle has, in place of data, its parts: for each the length of its file (uint32) and zeros up to a multiple of 8,
 * the file, and zeros up to a multiple of 8. All little-endian. The same matrix gives the same bytes.
 */
const MAGIC = Buffer.from('TITRFM01', 'latin1');
const ALIGNMENT = 8;

const header = ({ spec, rows, columns, layout }: FeatureMatrix) => ({ spec, rows, columns, layout });
const padding = (length: number) => (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.TypedArray) =>
  Buffer.from(buffer, byteOffset, byteLength);

/**
 * A matrix of the given rows' ids and data.
 * @param offsets for the layouts whose rows vary in length
 * @throws internal when the sizes do not belong together
 */
export function featureMatrix(
  spec: FeatureMatrix['spec'],
  moleculeIds: readonly string[],
  data: FeatureMatrix['data'],
  offsets?: Uint32Array,
): FeatureMatrix {
  const shape = featureShape(spec);
  const matrix = { spec, moleculeIds, rows: moleculeIds.length, ...shape, data };
  const ragged = isRagged(shape.layout);
  const length = ragged ? offsets?.[matrix.rows] : matrix.rows * rowStride(shape);
  if (
    data.length !== length ||
    data.constructor !== featureData(shape.layout, 0).constructor ||
    (ragged && offsets?.length !== matrix.rows + 1)
  ) {
    throw new TitrateError('internal', {
      what: `${data.length} values of ${data.constructor.name} are not ${matrix.rows} rows of ${shape.columns} ${shape.layout} columns`,
      where: `features ${featurizerName(spec)}`,
    });
  }
  return ragged ? { ...matrix, offsets: offsets! } : matrix;
}

/** A matrix of molecules' rows, row i for molecule i; `spec` says what the rows must be. */
export function matrixOfRows(
  spec: FeatureMatrix['spec'],
  moleculeIds: readonly string[],
  rows: readonly FeatureRow[],
): FeatureMatrix {
  if (spec.kind === 'bundle') {
    const parts = spec.parts.map((part, i) =>
      matrixOfRows(
        part,
        moleculeIds,
        rows.map((row) => (row as readonly SingleRow[])[i]!),
      ),
    );
    return bundleFeatures(spec, parts);
  }
  const { layout } = featureShape(spec);
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length));
  const data = featureData(layout, offsets[rows.length]!);
  rows.forEach((row, i) => data.set(row as SingleRow, offsets[i]));
  return featureMatrix(spec, moleculeIds, data, isRagged(layout) ? offsets : undefined);
}

/** Bytes of a matrix (media type `application/vnd.titrate.features`), deterministic. */
export function encodeFeatureMatrix(matrix: FeatureMatrix): Uint8Array {
  const sections = [canonicalJson(header(matrix)), JSON.stringify(matrix.moleculeIds)].map((text) =>
    Buffer.from(text, 'utf8'),
  );
  const parts: Buffer[] = [MAGIC];
  for (const section of sections) parts.push(lengthOf(section), section);
  const used = parts.reduce((sum, part) => sum + part.length, 0);
  parts.push(Buffer.alloc(padding(used)));
  if (matrix.layout === 'bundle') {
    for (const part of matrix.parts!) {
      const bytes = bytesOf(encodeFeatureMatrix(part));
      parts.push(lengthOf(bytes), Buffer.alloc(padding(4)), bytes, Buffer.alloc(padding(bytes.length)));
    }
  } else {
    if (matrix.offsets) parts.push(bytesOf(matrix.offsets));
    parts.push(bytesOf(matrix.data));
  }
  return Buffer.concat(parts);
}

function lengthOf(section: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(section.length);
  return length;
}

function corrupt(what: string): never {
  throw new TitrateError('artifact-corrupt', {
    what,
    where: 'features',
    remedy: 'Featurise the molecules again',
  });
}

/**
 * The matrix of encoded bytes; the data is a view on them where their alignment allows, else a copy.
 * @throws artifact-corrupt
 */
export function decodeFeatureMatrix(bytes: Uint8Array): FeatureMatrix {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
  at += padding(at);
  const moleculeIds = ids as string[];
  if (spec.data.kind === 'bundle') return decodeBundle(buffer, at, spec.data, moleculeIds);
  return decodeData(buffer, at, spec.data, moleculeIds);
}

type Bundle = Extract<FeatureMatrix['spec'], { kind: 'bundle' }>;

function decodeBundle(
  buffer: Buffer,
  start: number,
  spec: Bundle,
  moleculeIds: readonly string[],
): FeatureMatrix {
  let at = start;
  const parts = spec.parts.map((expected) => {
    const length = at + ALIGNMENT <= buffer.length ? buffer.readUInt32LE(at) : Infinity;
    const from = at + ALIGNMENT;
    at = from + length + padding(length);
    if (!(at <= buffer.length)) corrupt(`it ends after ${buffer.length} bytes, inside its parts`);
    const part = decodeFeatureMatrix(buffer.subarray(from, from + length));
    if (canonicalJson(part.spec) !== canonicalJson(expected))
      corrupt(`a part is ${featurizerName(part.spec)}, not ${featurizerName(expected)}`);
    if (part.rows !== moleculeIds.length || part.moleculeIds.some((id, row) => id !== moleculeIds[row]))
      corrupt('its parts are not of the same molecules');
    return part;
  });
  if (at !== buffer.length) corrupt(`it has ${buffer.length} bytes and should have ${at}`);
  return bundleFeatures(spec, parts);
}

function decodeData(
  buffer: Buffer,
  start: number,
  spec: FeatureMatrix['spec'],
  moleculeIds: readonly string[],
): FeatureMatrix {
  const shape = featureShape(spec);
  const rows = moleculeIds.length;
  const wordBytes = shape.layout === 'bits' ? 1 : 4;
  const ragged = isRagged(shape.layout);
  const offsetBytes = ragged ? 4 * (rows + 1) : 0;
  if (start + offsetBytes > buffer.length) corrupt(`it ends after ${buffer.length} bytes, before its data`);
  const length = ragged ? buffer.readUInt32LE(start + 4 * rows) : rows * rowStride(shape);
  const expected = start + offsetBytes + length * wordBytes;
  if (buffer.length !== expected) corrupt(`it has ${buffer.length} bytes and should have ${expected}`);
  const aligned = wordBytes === 1 || (buffer.byteOffset + start) % wordBytes === 0;
  const view = aligned ? buffer : Uint8Array.from(buffer);
  const offset = view.byteOffset + start;
  if (!ragged) {
    const data =
      shape.layout === 'bits'
        ? new Uint8Array(view.buffer, offset, length)
        : new Float32Array(view.buffer, offset, length);
    return featureMatrix(spec, moleculeIds, data);
  }
  const offsets = new Uint32Array(view.buffer, offset, rows + 1);
  const data = new Uint32Array(view.buffer, offset + offsetBytes, length);
  const fault = raggedRowFault({ ...shape, rows }, data, offsets);
  if (fault !== null) corrupt(fault);
  return featureMatrix(spec, moleculeIds, data, offsets);
}
