/**
 * The predicted values in an answer of /predict or of the Open Inference Protocol, as an object or as its JSON: one a molecule, in
 * the unit of the property, null where there is none.
 * @returns null for an answer that holds no values: a problem, tensors without `mean`, a binary body
 */
export function valuesIn(answer: unknown): (number | null)[] | null {
  const body = typeof answer === 'string' || Buffer.isBuffer(answer) ? parsed(answer) : answer;
  if (body === null || typeof body !== 'object') return null;
  const { predictions, outputs } = body as { predictions?: unknown; outputs?: unknown };
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

const finite = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
