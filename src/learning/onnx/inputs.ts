import { canonicalJson, featurizerName, TitrateError, type FeatureMatrix } from '../../contracts';
import { rowSpan } from '../../foundation';
import { stackedFeatures } from '../stack';
import { FEATURES_INPUT, type InputSection, type OnnxLayout } from './layout';

/** A tensor as ONNX Runtime takes it, row-major. */
export interface OnnxInput {
  readonly name: string;
  readonly type: 'float32';
  readonly dims: readonly [rows: number, columns: number];
  readonly data: Float32Array;
}

/**
 * Features of molecules as the input of an exported model.
 * @param features those the model was trained on: of a stack the bundle, of other models a matrix
 * @throws config-invalid when they are other features; numerical when a descriptor is not a finite number
 */
export function onnxInputs(features: FeatureMatrix, layout: OnnxLayout): OnnxInput {
  const { rows } = features;
  const { columns } = layout;
  const data = new Float32Array(rows * columns);
  for (const { part, featurizer } of layout.featurizers) {
    const own = stackedFeatures(features, part);
    if (canonicalJson(own.spec) !== canonicalJson(featurizer)) {
      throw new TitrateError('config-invalid', {
        what: `the model reads ${featurizerName(featurizer)}; it was given ${featurizerName(own.spec)}`,
        where: 'input of an ONNX model',
        remedy: 'Featurize with the specification in the metadata of the model',
      });
    }
    for (const section of layout.sections)
      if (section.part === part) fillSection(section, own, data, columns);
  }
  return { name: FEATURES_INPUT, type: 'float32', dims: [rows, columns], data };
}

function fillSection(section: InputSection, own: FeatureMatrix, out: Float32Array, stride: number): void {
  const { from } = section;
  switch (section.kind) {
    case 'bits':
      return fillBits(own, section.column, section.count, out, from, stride);
    case 'descriptors':
      return fillDescriptors(own, section.column, section.names, out, from, stride);
    case 'counts': {
      const place = new Map(section.keys.map((key, i) => [key, from + i]));
      return eachCount(own, (row, key, count) => {
        const at = place.get(key);
        if (at !== undefined) out[row * stride + at] = count;
      });
    }
    case 'total':
      return eachCount(own, (row, _key, count) => (out[row * stride + from]! += count));
  }
}

function fillBits(
  { layout, data, rows, columns }: FeatureMatrix,
  first: number,
  count: number,
  out: Float32Array,
  from: number,
  stride: number,
): void {
  for (let row = 0; row < rows; row++) {
    const at = row * stride + from;
    if (layout === 'dense') {
      const start = row * columns + first;
      out.set((data as Float32Array).subarray(start, start + count), at);
      continue;
    }
    const start = row * (columns / 8);
    for (let i = 0; i < count; i++) {
      const bit = first + i;
      if ((data[start + (bit >> 3)]! >> (bit & 7)) & 1) out[at + i] = 1;
    }
  }
}

function fillDescriptors(
  features: FeatureMatrix,
  first: number,
  names: readonly string[],
  out: Float32Array,
  from: number,
  stride: number,
): void {
  const { data, rows, moleculeIds } = features;
  const values = new Float32Array(data.buffer, data.byteOffset, data.length);
  for (let row = 0; row < rows; row++) {
    const start = rowSpan(features, row)[0] + first;
    for (let i = 0; i < names.length; i++) {
      const value = values[start + i]!;
      if (!Number.isFinite(value)) {
        throw new TitrateError('numerical', {
          what: `the descriptor ${names[i]} is ${value}, expected a finite number`,
          where: `molecule ${moleculeIds[row] ?? row}`,
          remedy: 'Leave the molecule out, or use a featurizer that is defined for it',
        });
      }
      out[row * stride + from + i] = value;
    }
  }
}

function eachCount(features: FeatureMatrix, visit: (row: number, key: number, count: number) => void): void {
  for (let row = 0; row < features.rows; row++) {
    const [start, end] = rowSpan(features, row);
    for (let at = start + features.columns; at < end; at += 2)
      visit(row, features.data[at]!, features.data[at + 1]!);
  }
}
