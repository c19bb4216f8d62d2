import { TitrateError, type FeaturizerSpec } from '../../contracts';
import type { GaussianProcessDefinition } from './model';

/**
 * A fitted GP as bytes: magic, header length (uint32), JSON header, then targets and weights (float64) and the training
 * features as they are, all little-endian. The factorisation is left out: it is recomputed on load, to the same bits.
 */
const MAGIC = 'titrate-gp\n\x01';
const PREAMBLE = MAGIC.length + 4;

interface Header {
  readonly spec: FeaturizerSpec;
  readonly moleculeIds: readonly string[];
  readonly rows: number;
  readonly columns: number;
  readonly layout: 'bits' | 'dense';
  readonly noiseRatio: number;
  readonly signalVariance: number;
  readonly mean: number;
  readonly shift: number;
  readonly scale: number;
  readonly facts: Readonly<Record<string, number | string>>;
}

const raw = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

export function encodeDefinition(definition: GaussianProcessDefinition): Uint8Array {
  const { features, targets, weights, noiseRatio, signalVariance, mean, shift, scale, facts } = definition;
  const { spec, moleculeIds, rows, columns, layout } = features;
  const header: Header = {
    spec,
    moleculeIds,
    rows,
    columns,
    layout,
    noiseRatio,
    signalVariance,
    mean,
    shift,
    scale,
    facts,
  };
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const preamble = Buffer.alloc(PREAMBLE);
  preamble.write(MAGIC, 'latin1');
  preamble.writeUInt32LE(json.length, MAGIC.length);
  return Buffer.concat([preamble, json, raw(targets), raw(weights), raw(features.data)]);
}

/** @throws artifact-corrupt if these are not the bytes of a fitted GP, or not all of them. */
export function decodeDefinition(bytes: Uint8Array): GaussianProcessDefinition {
  const buffer = raw(bytes);
  if (buffer.length < PREAMBLE || buffer.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw corrupt('these bytes do not begin like a fitted Gaussian process');
  }
  const dataAt = PREAMBLE + buffer.readUInt32LE(MAGIC.length);
  let header: Header;
  try {
    header = JSON.parse(buffer.toString('utf8', PREAMBLE, dataAt)) as Header;
  } catch (cause) {
    throw corrupt('the header of this Gaussian process is not JSON', cause);
  }
  const { spec, moleculeIds, rows, columns, layout, ...rest } = header;
  const featureBytes = layout === 'bits' ? (rows * columns) / 8 : rows * columns * 4;
  const expected = dataAt + 16 * rows + featureBytes;
  if (buffer.length !== expected) {
    throw corrupt(`this Gaussian process should be ${expected} bytes and is ${buffer.length}`);
  }
  const slice = (at: number, length: number) => new Uint8Array(buffer.subarray(at, at + length)).buffer;
  const featureBuffer = slice(dataAt + 16 * rows, featureBytes);
  const data = layout === 'bits' ? new Uint8Array(featureBuffer) : new Float32Array(featureBuffer);
  return {
    features: { spec, moleculeIds, rows, columns, layout, data },
    targets: new Float64Array(slice(dataAt, 8 * rows)),
    weights: new Float64Array(slice(dataAt + 8 * rows, 8 * rows)),
    ...rest,
  };
}

function corrupt(what: string, cause?: unknown): TitrateError {
  return new TitrateError(
    'artifact-corrupt',
    { what, remedy: 'Fetch the model again, or promote another version' },
    { cause },
  );
}
