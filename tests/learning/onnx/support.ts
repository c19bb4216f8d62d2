import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DESCRIPTOR_NAMES, featureMatrix } from '../../../src/chemistry';
import {
  featurizerSchema,
  type FeatureMatrix,
  type FeaturizerInput,
  type ModelCalibration,
  type TrainedCard,
} from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import type { FittedModel, LabelledSet } from '../../../src/learning/learning';
import { exportOnnx, type OnnxExport, type OnnxInput } from '../../../src/learning/onnx';
import { runPython } from '../../support/python';
import { labelled } from '../synthetic';

const DESCRIPTORS = DESCRIPTOR_NAMES.length;
const idsOf = (rows: number) => Array.from({ length: rows }, (_, i) => `mol_${String(i).padStart(32, '0')}`);

/**
 * Random molecules, seen by several featurizers. A quarter of the columns of descriptors are small whole numbers, one is constant.
 * @param extremes the largest count, and how many times larger than others the descriptors of the first molecule are
 */
export function randomMolecules(rows: number, seed: number, extremes = { count: 300, outlier: 1 }) {
  const random = createRandom(seed);
  const ids = idsOf(rows);
  const bits = Array.from({ length: rows }, () =>
    Uint8Array.from({ length: 64 }, (_, i) => +(random.next() < 1 / (1 + i / 3))),
  );
  const descriptors = Array.from({ length: rows }, (_row, r) =>
    Float32Array.from({ length: DESCRIPTORS }, (_, i) =>
      i === 5
        ? 1
        : i % 4 === 0
          ? random.below(4)
          : (r === 0 ? extremes.outlier : 1) * (100 * i + 10 * random.normal()),
    ),
  );
  const counts = Array.from({ length: rows }, () => {
    const row = new Map<number, number>();
    for (let k = 0; k < 14; k++) {
      const key = Math.imul(1 + Math.floor(200 * random.next() ** 2), 0x9e3779b1) >>> 0;
      row.set(key, 1 + random.below(random.next() < 0.2 ? extremes.count : 3));
    }
    return [...row].sort(([a], [b]) => a - b).flat();
  });
  const spec = (input: FeaturizerInput) => featurizerSchema.parse(input);
  const ragged = (input: FeaturizerInput, words: number[][]) => {
    const offsets = new Uint32Array(rows + 1);
    words.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length));
    return featureMatrix(spec(input), ids, Uint32Array.from(words.flat()), offsets);
  };
  const floatWords = (values: Float32Array) => [...new Uint32Array(values.buffer)];
  const packed = new Uint8Array((rows * 64) / 8);
  bits.forEach((row, r) => row.forEach((on, i) => (packed[r * 8 + (i >> 3)]! |= on << (i & 7))));
  const morgan = { kind: 'morgan', radius: 2, bits: 64, counts: 'none' } as const;
  const counting = { kind: 'morgan-counts', radius: 3 } as const;
  const beside = { kind: 'descriptors' } as const;
  return {
    bits: featureMatrix(spec(morgan), ids, packed),
    dense: featureMatrix(
      spec({ kind: 'concatenation', parts: [morgan, beside] }),
      ids,
      Float32Array.from(bits.flatMap((row, r) => [...row, ...descriptors[r]!])),
    ),
    counts: ragged(counting, counts),
    mixed: ragged(
      { kind: 'concatenation', parts: [counting, beside] },
      counts.map((row, r) => [...floatWords(descriptors[r]!), ...row]),
    ),
    /** Depends on all of them. */
    values: Float64Array.from({ length: rows }, (_, r) => {
      const on = bits[r]!.subarray(5, 25).reduce((sum, bit, i) => sum + bit * Math.sin(i), 0);
      const counted = counts[r]!.reduce((sum, word, i) => sum + (i % 2 ? word : 0), 0) / 10;
      return 300 + 20 * (on + counted + (descriptors[r]![9]! - 900) / 10 + 0.1 * random.normal());
    }),
  };
}
export type Molecules = ReturnType<typeof randomMolecules>;

export const valuesOf = (features: FeatureMatrix, values: Float64Array): LabelledSet =>
  labelled(features, values);
export const classesOf = (features: FeatureMatrix, values: Float64Array): LabelledSet => {
  const middle = values.toSorted()[Math.floor(values.length / 2)]!;
  return {
    ...labelled(
      features,
      values.map((value) => +(value > middle)),
    ),
    task: 'classification',
  };
};

export const SCALE: ModelCalibration = { scale: 1.3, n: 60, coverage90Before: 0.8, coverage90After: 0.9 };
export const PLATT: ModelCalibration = {
  task: 'classification',
  slope: 0.8,
  intercept: -0.2,
  n: 60,
  logLossBefore: 0.5,
  logLossAfter: 0.4,
};

/** A fitted model exported with a calibration. */
export async function exported(
  model: FittedModel,
  features: FeatureMatrix,
  calibration: ModelCalibration,
): Promise<OnnxExport> {
  const known = {
    ...{ property: 'logS', unit: 'mol/L', labels: 60, dataVersion: 'd1', weights: { sha256: 'ab' } },
    ...{ family: model.family, featurizer: features.spec, calibration },
    ...('task' in calibration && { task: 'classification' }),
    runtime: { rdkit: '2026.09.1', ruleSet: 'standard-2' },
  };
  return exportOnnx({
    name: 'pilot/v1',
    card: known as unknown as TrainedCard,
    weights: await model.serialise(),
  });
}

const SCRIPT = `
import sys, json, base64, numpy as np, onnx, onnxruntime
def answer(file, inputs):
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(file, providers=['CPUExecutionProvider'])
    runs = []
    for each in inputs:
        x = np.frombuffer(base64.b64decode(each['data']), '<f4').reshape(each['dims'])
        out = session.run(None, {each['name']: x})
        runs.append({o.name: v.tolist() for o, v in zip(session.get_outputs(), out)})
    meta = session.get_modelmeta()
    return dict(
        runs=runs, metadata=meta.custom_metadata_map, producer=meta.producer_name, doc=meta.description,
        inputs=[[i.name, i.type, i.shape] for i in session.get_inputs()],
        outputs=[[o.name, o.type, o.shape] for o in session.get_outputs()])
print(json.dumps([answer(**each) for each in json.load(sys.stdin)]))`;

export interface Answer {
  readonly runs: readonly Readonly<
    Record<'value' | 'standardDeviation' | 'aleatoric' | 'epistemic', readonly number[]>
  >[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly producer: string;
  readonly doc: string;
  readonly inputs: readonly [string, string, unknown[]][];
  readonly outputs: readonly [string, string, unknown[]][];
}

/** Checks models by the onnx package and runs each on its inputs by onnxruntime, both Python's. */
export function runOnnx(models: readonly { bytes: Uint8Array; inputs: readonly OnnxInput[] }[]): Answer[] {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-onnx-'));
  try {
    const asked = models.map(({ bytes, inputs }, i) => {
      const file = path.join(directory, `model-${i}.onnx`);
      writeFileSync(file, bytes);
      return {
        file,
        inputs: inputs.map(({ name, dims, data }) => ({
          name,
          dims,
          data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
        })),
      };
    });
    return runPython<Answer[]>(SCRIPT, asked);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
