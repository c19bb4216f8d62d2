import { JSON_LENGTH_HEADER, readBinaryOutput } from '../binary-tensors';

/** An answer, as an object or as the bytes that are sent, and the header that says how much of them is JSON. */
export interface Answered {
  readonly body: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

/**
 * The predicted values in an answer of /predict or of the Open Inference Protocol, in JSON or as a binary tensor: one a molecule, in the
 * unit of the property, null where there is none.
 * @returns null for an answer that holds no values: a problem, tensors without `mean`
 */
export function valuesIn({ body, headers }: Answered): (number | null)[] | null {
  const jsonLength = headers[JSON_LENGTH_HEADER];
  if (Buffer.isBuffer(body) && jsonLength !== undefined)
    return readBinaryOutput(body, String(jsonLength), 'mean')?.map(finite) ?? null;
  const answer = typeof body === 'string' || Buffer.isBuffer(body) ? parsed(body) : body;
  if (answer === null || typeof answer !== 'object') return null;
  const { predictions, outputs } = answer as { predictions?: unknown; outputs?: unknown };
  if (Array.isArray(predictions))
    return predictions.map((one) => finite((one as { value?: unknown })?.value));
  if (!Array.isArray(outputs)) return null;
  const mean = (outputs as { name?: unknown; data?: unknown }[]).find((tensor) => tensor?.name === 'mean');
  return Array.isArray(mean?.data) ? mean.data.map(finite) : null;
}

function parsed(text: string | Buffer): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return null;
  }
}

export const finite = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
