import { batchSheetSchema, parseWith, TitrateError, type BatchSheet } from '../contracts';
import { hashOf } from '../foundation';

const unsealedSchema = batchSheetSchema.omit({ seal: true });

/** sha256 over the canonical JSON of everything on the sheet but the seal itself. */
function sealOf(sheet: Omit<BatchSheet, 'seal'> & { readonly seal?: string }): string {
  return hashOf({ ...sheet, seal: undefined });
}

/**
 * Seals a batch before anything of it is measured: model, data version, cut, rule and picks can afterwards be shown to be
 * what they were.
 * @throws TitrateError `internal` where the sheet is not a valid one, or holds something that JSON cannot carry unchanged.
 */
export function sealBatch(sheet: Omit<BatchSheet, 'seal'>): BatchSheet {
  const checked = parseWith(unsealedSchema, sheet, `batch ${sheet.batchId}`, 'internal');
  const odd = notJson(checked, 'sheet');
  if (odd) {
    throw new TitrateError('internal', {
      what: `the sheet cannot be sealed: JSON does not bring ${odd} back as it was`,
      where: `batch ${sheet.batchId}`,
      remedy: 'Keep plain JSON values on it',
    });
  }
  return { ...checked, seal: sealOf(checked) };
}

/** Whether the sheet is, to the last digit, the one that was sealed. */
export function verifySeal(sheet: BatchSheet): boolean {
  return sealOf(sheet) === sheet.seal;
}

/** Path of the first value that changes when written as JSON and read again (a Date or NaN in `rule`, say). */
function notJson(value: unknown, path: string): string | null {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean')
    return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : path;
  if (typeof value !== 'object') return path;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return path;
  for (const [key, item] of Object.entries(value)) {
    const odd = notJson(item, `${path}.${key}`);
    if (odd) return odd;
  }
  return null;
}
