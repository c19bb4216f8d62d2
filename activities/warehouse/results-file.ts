import { TitrateError } from '../../src/contracts';

/**
 * The rows of a results file: a JSON array, an object with `results`, or NDJSON.
 * @throws TitrateError result-invalid with the line that is not JSON.
 */
export function parseResultsFile(text: string, where: string): unknown[] {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  const remedy =
    'Expected a JSON array of results, an object with a results array, or one JSON result a line';
  if (!trimmed) throw new TitrateError('result-invalid', { what: 'the file is empty', where, remedy });
  try {
    const whole: unknown = JSON.parse(trimmed);
    if (Array.isArray(whole)) return whole;
    const inner = (whole as { results?: unknown }).results;
    if (Array.isArray(inner)) return inner;
    return [whole];
  } catch {
    // not one JSON value: read it line by line
  }
  return trimmed.split(/\r?\n/).flatMap((line, index) => {
    if (!line.trim()) return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch {
      throw new TitrateError('result-invalid', {
        what: 'not JSON',
        where: `${where}, line ${index + 1}`,
        remedy,
      });
    }
  });
}
