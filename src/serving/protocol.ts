import { z } from 'zod';
import type { TrainedCard } from '../contracts';
import type { NamedPredictions } from './predictor';
import { unprocessable } from './problems';

const parameters = z.record(z.string(), z.unknown()).optional();

/** Inference request of the Open Inference Protocol v2, REST; https://github.com/kserve/open-inference-protocol. */
export const inferRequestSchema = z.strictObject({
  id: z.string().optional(),
  parameters,
  inputs: z
    .array(
      z.strictObject({
        name: z.string(),
        shape: z.array(z.number().int().nonnegative()).min(1),
        datatype: z.string(),
        parameters,
        data: z.array(z.unknown()),
      }),
    )
    .min(1),
  outputs: z.array(z.strictObject({ name: z.string(), parameters })).optional(),
});
export type InferRequest = z.infer<typeof inferRequestSchema>;

/** One tensor: FP64 figures, null at a molecule without a prediction; or BYTES. */
export interface OutputTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: 'FP64' | 'BYTES';
  readonly data: readonly (number | string | null)[];
}

const INPUT = 'smiles';

type Reader = (outcome: NamedPredictions['predictions'][number]) => number | string | null;

/** Output tensors, each of shape [n]. Figures are in the unit of the property; `error` is empty where there is none. */
const OUTPUTS: readonly { name: string; datatype: OutputTensor['datatype']; read: Reader }[] = [
  { name: 'mean', datatype: 'FP64', read: (o) => ('error' in o ? null : o.value) },
  { name: 'standard_deviation', datatype: 'FP64', read: (o) => ('error' in o ? null : o.standardDeviation) },
  { name: 'interval90_lower', datatype: 'FP64', read: (o) => ('error' in o ? null : o.interval90[0]) },
  { name: 'interval90_upper', datatype: 'FP64', read: (o) => ('error' in o ? null : o.interval90[1]) },
  { name: 'error', datatype: 'BYTES', read: (o) => ('error' in o ? o.error : '') },
];

/** The protocol's metadata of a model: tensors of any length n (-1). */
export function modelMetadata(
  name: string,
  versions: readonly string[],
  card: TrainedCard,
  live: string | null,
) {
  return {
    name,
    versions,
    platform: `titrate_${card.family}`,
    inputs: [{ name: INPUT, datatype: 'BYTES', shape: [-1] }],
    outputs: OUTPUTS.map((output) => ({ name: output.name, datatype: output.datatype, shape: [-1] })),
    parameters: {
      property: card.property,
      unit: card.unit ?? null,
      live,
      round: card.round,
      labels: card.labels,
      ...('rmse' in card.metrics
        ? { held_out_rmse: card.metrics.rmse }
        : { held_out_auroc: card.metrics.auroc }),
    },
  };
}

/**
 * The elements of the one input tensor, `smiles`: BYTES, shape [n] or [n, 1].
 * @throws HttpProblem 422 for another tensor, type or shape
 */
export function smilesTensor({ inputs }: InferRequest): unknown[] {
  const names = inputs.map((input) => input.name);
  const tensor = inputs[0]!;
  if (inputs.length > 1 || tensor.name !== INPUT) {
    throw unprocessable(
      `the input tensors are '${names.join("', '")}'`,
      'inputs',
      `Give one tensor, named '${INPUT}'`,
    );
  }
  if (tensor.datatype !== 'BYTES') {
    throw unprocessable(
      `the datatype is '${tensor.datatype}'`,
      `inputs.${INPUT}.datatype`,
      "SMILES are of datatype 'BYTES'",
    );
  }
  const { shape } = tensor;
  const data = tensor.data.flat();
  if (shape.length > 2 || (shape.length === 2 && shape[1] !== 1)) {
    throw unprocessable(
      `the shape is [${shape.join(', ')}]`,
      `inputs.${INPUT}.shape`,
      'Give the shape [n] or [n, 1]',
    );
  }
  if (shape[0] !== data.length) {
    throw unprocessable(
      `the shape [${shape.join(', ')}] does not hold ${data.length} elements`,
      `inputs.${INPUT}.shape`,
      `Give the shape [${data.length}]`,
    );
  }
  return data;
}

/** The parameter `timeout`, microseconds as in the protocol's extensions, as milliseconds. */
export function timeoutMsOf({ parameters: given }: InferRequest): number | undefined {
  const timeout = given?.timeout;
  return typeof timeout === 'number' && timeout > 0 ? timeout / 1000 : undefined;
}

/** @throws HttpProblem 422 for an output that there is none of. Checked before anything is predicted. */
export function checkOutputs({ outputs }: InferRequest): void {
  const known = OUTPUTS.map((output) => output.name);
  for (const { name } of outputs ?? []) {
    if (!known.includes(name))
      throw unprocessable(`there is no output '${name}'`, 'outputs', `Outputs: ${known.join(', ')}`);
  }
}

/** The protocol's answer: the outputs asked for in the order they were asked for, else all. */
export function inferResponse(request: InferRequest, answer: NamedPredictions) {
  const wanted = request.outputs?.length
    ? request.outputs.map(({ name }) => OUTPUTS.find((output) => output.name === name)!)
    : OUTPUTS;
  const shape = [answer.predictions.length];
  const outputs: OutputTensor[] = wanted.map(({ name, datatype, read }) => ({
    name,
    shape,
    datatype,
    data: answer.predictions.map(read),
  }));
  return {
    model_name: answer.model,
    model_version: answer.version,
    ...(request.id === undefined ? {} : { id: request.id }),
    parameters: { property: answer.property, unit: answer.unit },
    outputs,
  };
}
