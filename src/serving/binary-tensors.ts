import type { InferRequest, OutputTensor } from './protocol';
import { unprocessable } from './problems';

/** Bytes of the JSON that a body with binary tensors begins with (binary tensor data extension of the Open Inference Protocol). */
export const JSON_LENGTH_HEADER = 'inference-header-content-length';

const LENGTH_BYTES = 4;

type Tensor = InferRequest['inputs'][number];

/**
 * A body of JSON followed by the raw bytes of those inputs that say `binary_data_size`, as an object with `data` in every input.
 * @param jsonLength as the header gives it
 * @throws HttpProblem 422
 */
export function readBinaryRequest(body: Buffer, jsonLength: string): unknown {
  const length = Number(jsonLength);
  if (!/^\d+$/.test(jsonLength) || length > body.length)
    throw unprocessable(
      `'${jsonLength}' is no length within a body of ${body.length} bytes`,
      JSON_LENGTH_HEADER,
    );
  let request: { inputs?: Partial<Tensor>[] };
  try {
    request = JSON.parse(body.toString('utf8', 0, length)) as typeof request;
  } catch {
    throw unprocessable(`the first ${length} bytes of the body are not JSON`, JSON_LENGTH_HEADER);
  }
  let at = length;
  const inputs = Array.isArray(request?.inputs)
    ? request.inputs.map((input) => {
        const size = input?.parameters?.binary_data_size;
        if (size === undefined) return input;
        const where = `inputs.${input.name}.parameters.binary_data_size`;
        if (typeof size !== 'number' || !(size >= 0) || at + size > body.length)
          throw unprocessable(
            `${JSON.stringify(size)} bytes are not there; ${body.length - at} are left`,
            where,
          );
        const bytes = body.subarray(at, at + size);
        at += size;
        return { ...input, data: readTexts(bytes, input.datatype, where) };
      })
    : request?.inputs;
  if (at !== body.length)
    throw unprocessable(`${body.length - at} bytes of the body belong to no input`, 'request body');
  return { ...request, inputs };
}

/** Elements of a BYTES tensor: each four bytes of length, little-endian, and its bytes, here UTF-8. */
function readTexts(bytes: Buffer, datatype: string | undefined, where: string): string[] {
  if (datatype !== 'BYTES')
    throw unprocessable(`the datatype is '${datatype}'`, where, "SMILES are of datatype 'BYTES'");
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = at + LENGTH_BYTES <= bytes.length ? bytes.readUInt32LE(at) : Infinity;
    const from = at + LENGTH_BYTES;
    if (from + length > bytes.length) throw unprocessable(`element ${texts.length} is cut off`, where);
    texts.push(bytes.toString('utf8', from, from + length));
    at = from + length;
  }
  return texts;
}

/** Whether an output is wanted as bytes: its own word, else the request's. */
export function isWantedBinary(request: InferRequest, name: string): boolean {
  const own = request.outputs?.find((output) => output.name === name)?.parameters?.binary_data;
  return (own ?? request.parameters?.binary_data_output) === true;
}

/** One output as bytes: FP64 little-endian, NaN where there is no figure; BYTES as above. */
export function tensorBytes({ datatype, data }: OutputTensor): Buffer {
  if (datatype === 'FP64') {
    const bytes = Buffer.alloc(8 * data.length);
    data.forEach((value, i) => bytes.writeDoubleLE(value === null ? NaN : (value as number), 8 * i));
    return bytes;
  }
  return Buffer.concat(
    data.flatMap((text) => {
      const bytes = Buffer.from(String(text ?? ''), 'utf8');
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

interface Response {
  readonly outputs: readonly OutputTensor[];
}

/**
 * An answer in the form the request wants.
 * @returns null when no output is wanted as bytes: the answer is plain JSON
 */
export function binaryResponse<R extends Response>(
  request: InferRequest,
  response: R,
): { readonly body: Buffer; readonly jsonLength: number } | null {
  if (!response.outputs.some(({ name }) => isWantedBinary(request, name))) return null;
  const tail: Buffer[] = [];
  const outputs = response.outputs.map((output) => {
    if (!isWantedBinary(request, output.name)) return output;
    const bytes = tensorBytes(output);
    tail.push(bytes);
    const { name, shape, datatype } = output;
    return { name, shape, datatype, parameters: { binary_data_size: bytes.length } };
  });
  const json = Buffer.from(JSON.stringify({ ...response, outputs }), 'utf8');
  return { body: Buffer.concat([json, ...tail]), jsonLength: json.length };
}

/**
 * The data of one output of an answer with binary tensors, whether it stands in the JSON or behind it.
 * @returns null where the answer has no such output, or is not in the form it says
 */
export function readBinaryOutput(body: Buffer, jsonLength: string, name: string): unknown[] | null {
  const length = Number(jsonLength);
  if (!/^\d+$/.test(jsonLength) || length > body.length) return null;
  let outputs: unknown;
  try {
    ({ outputs } = JSON.parse(body.toString('utf8', 0, length)) as { outputs?: unknown });
  } catch {
    return null;
  }
  if (!Array.isArray(outputs)) return null;
  let at = length;
  for (const output of outputs as Partial<OutputTensor & { parameters: { binary_data_size?: unknown } }>[]) {
    const size = output?.parameters?.binary_data_size;
    if (output?.name !== name) {
      at += typeof size === 'number' ? size : 0;
      continue;
    }
    if (size === undefined) return Array.isArray(output.data) ? [...output.data] : null;
    if (typeof size !== 'number' || output.datatype !== 'FP64' || size % 8 || at + size > body.length)
      return null;
    return Array.from({ length: size / 8 }, (_, i) => body.readDoubleLE(at + 8 * i));
  }
  return null;
}
