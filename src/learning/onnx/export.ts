import { TitrateError, type ModelCalibration, type ModelFamily, type TrainedCard } from '../../contracts';
import { release } from '../../foundation';
import { decodeStack } from '../stack/codec';
import { calibrateMoments, combineMoments } from './combine';
import { gaussianProcessHead } from './gaussian';
import { GraphBuilder, type Port } from './graph';
import type { Moments, OnnxHead } from './head';
import { FEATURES_INPUT, layoutOf, placesOf } from './layout';
import { describeModel, METADATA_KEY, type OnnxDescription } from './metadata';
import { perceptronsHead } from './perceptrons';
import { encodeModel } from './proto';

/** What ONNX Runtime 1.16 and later read; no operator used needs more. */
const OPSET = 17;
const IR_VERSION = 8;

/** Families whose models can be exported, each with what reads its bytes. */
const HEADS: Partial<Record<ModelFamily, (bytes: Uint8Array) => OnnxHead>> = {
  'mlp-ensemble': perceptronsHead,
  'gaussian-process': gaussianProcessHead,
};
/** A stack can be exported when all of its models can. */
export const EXPORTABLE_FAMILIES: readonly string[] = [...Object.keys(HEADS), 'stack'];

/** Names of the outputs, float64 with an entry a row, under the names and with the meaning that `titrate predict` gives them. */
export const OUTPUTS = ['value', 'standardDeviation', 'aleatoric', 'epistemic'] as const;

export interface OnnxSource {
  /** `solubility-42/v3`, or the name of a model directory. */
  readonly name: string;
  readonly card: TrainedCard;
  /** Bytes of the fitted model, those of `card.weights`. */
  readonly weights: Uint8Array;
}

export interface OnnxExport {
  /** A ModelProto: the file. */
  readonly bytes: Uint8Array;
  /** What stands in its metadata; `input` is the layout for `onnxInputs`. */
  readonly description: OnnxDescription;
}

/**
 * A trained model as one self-contained graph of ONNX, calibration included: from plain features (`onnxInputs`) to what
 * `titrate predict` writes. Of several properties the wanted one. Computes for up to half a minute where a Gaussian process is large.
 * The same model gives the same bytes.
 * @throws config-invalid for a family or features that cannot be exported; usage beyond 2 GB; artifact-corrupt, numerical
 */
export function exportOnnx({ name, card, weights }: OnnxSource): OnnxExport {
  const { heads, weights: shares } = headsOf(card.family, weights);
  const needs = heads.map(({ part, head }) => ({ part, ...head.needs }));
  const layout = layoutOf(needs);
  if (layout.columns === 0) {
    throw new TitrateError('config-invalid', {
      what: 'the model reads no feature: it says the same of every molecule',
      where: `export of ${name} to ONNX`,
      remedy: 'Train on more molecules, or on other features',
    });
  }
  const graph = new GraphBuilder();
  const moments = heads.map(({ part, head }) => head.build(graph, FEATURES_INPUT, placesOf(layout, part)));
  const combined = shares ? combineMoments(graph, moments, shares) : moments[0]!;
  const outputs = nameOutputs(graph, card.calibration, combined);

  const { property, unit, task = 'regression', family, featurizer, calibration, labels, runtime } = card;
  const description = describeModel({
    model: name,
    property,
    ...(unit && { unit }),
    task,
    family,
    featurizer,
    calibration,
    labels,
    dataVersion: card.dataVersion,
    weightsSha256: card.weights.sha256,
    rdkit: runtime.rdkit,
    ruleSet: runtime.ruleSet,
    auxiliaryLeftOut: heads[0]!.head.auxiliary,
    input: layout,
  });
  const input: Port = {
    name: FEATURES_INPUT,
    type: 'float',
    dims: ['rows', layout.columns],
    doc: `Features, a row a molecule; what the columns are stands in the metadata, '${METADATA_KEY}', under input.`,
  };
  const bytes = encodeModel({
    irVersion: IR_VERSION,
    producerName: 'titrate',
    producerVersion: release,
    docString: `${property}${unit ? `, ${unit}` : ''}: ${family} trained on ${labels} molecules`,
    opsetImport: [{ domain: '', version: OPSET }],
    metadataProps: [{ key: METADATA_KEY, value: JSON.stringify(description) }],
    graph: graph.finish(name, [input], outputs),
  });
  return { bytes, description };
}

/** The models that predict together, and their weights where there are several. */
function headsOf(
  family: ModelFamily,
  bytes: Uint8Array,
): { heads: { part: number; head: OnnxHead }[]; weights?: readonly number[] } {
  if (family !== 'stack') return { heads: [{ part: 0, head: headOf(family, bytes) }] };
  const { models, parts, weights } = decodeStack(bytes);
  const heads = models.map((model, i) => ({
    part: parts[i]!,
    head: headOf(model.family, model.bytes, `model ${i + 1} of the stack`),
  }));
  return { heads, weights };
}

function headOf(family: ModelFamily, bytes: Uint8Array, which = 'the model'): OnnxHead {
  const read = HEADS[family];
  if (read) return read(bytes);
  throw new TitrateError('config-invalid', {
    what: `${which} is a ${family}; what can be exported is ${EXPORTABLE_FAMILIES.join(', ')}`,
    where: 'export to ONNX',
    remedy: 'Train a model of one of these families, or predict with titrate itself',
  });
}

function nameOutputs(graph: GraphBuilder, calibration: ModelCalibration, moments: Moments): Port[] {
  const { mean, aleatoric, epistemic } = calibrateMoments(graph, calibration, moments);
  const isClass = 'task' in calibration;
  const total = graph.sqrt(graph.add(graph.square(aleatoric), graph.square(epistemic)));
  const values: Record<(typeof OUTPUTS)[number], readonly [value: string, doc: string]> = {
    value: [mean, isClass ? 'Calibrated probability of 1.' : 'Predicted mean, in the unit of the property.'],
    standardDeviation: [
      isClass ? epistemic : total,
      isClass
        ? 'Calibrated standard deviation of the probability.'
        : 'Calibrated standard deviation of a measurement.',
    ],
    aleatoric: [aleatoric, 'What a repeat of the measurement would scatter by.'],
    epistemic: [epistemic, 'What the model does not know.'],
  };
  return OUTPUTS.map((name) => {
    const [value, doc] = values[name];
    graph.node('Identity', [value], {}, name);
    return { name, type: 'double', dims: ['rows'], doc };
  });
}
