import { z } from 'zod';
import { TitrateError, type ErrorCode } from './errors';

// zod's compiled fast path builds functions from text, which a replaying sandbox and a strict CSP both dislike.
z.config({ jitless: true });

/** Levenshtein distance, small strings. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known name nearest to `name`, if one is near enough to be a slip of the pen. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((k) => ({ k, d: distance(name.toLowerCase(), k.toLowerCase()) }))
    .sort((a, b) => a.d - b.d);
  const best = ranked[0];
  return best && best.d <= Math.max(2, Math.ceil(best.k.length / 3)) ? best.k : undefined;
}

/** The part of zod's own description of a schema that is read here. */
interface SchemaDef {
  type: string;
  innerType?: z.ZodType;
  element?: z.ZodType;
  shape?: Record<PropertyKey, z.ZodType>;
  options?: z.ZodType[];
}
const defOf = (schema: z.ZodType) => (schema as unknown as { _zod: { def: SchemaDef } })._zod.def;

/** The keys an object may have at `path` inside `schema`, seen through defaults, options, arrays and unions. */
function keysAt(schema: z.ZodType | undefined, path: readonly PropertyKey[]): string[] {
  if (!schema) return [];
  const def = defOf(schema);
  if (def.innerType) return keysAt(def.innerType, path);
  if (def.options) return [...new Set(def.options.flatMap((option) => keysAt(option, path)))];
  const [step, ...rest] = path;
  if (def.type === 'object')
    return step === undefined ? Object.keys(def.shape!) : keysAt(def.shape![step], rest);
  if (def.type === 'array' && step !== undefined) return keysAt(def.element, rest);
  return [];
}

/** Problems in words: where (a path such as `acquisition.batchSize`), what, and the nearest known key. */
export function explainIssues(schema: z.ZodType, error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    const where = issue.path.length ? issue.path.map(String).join('.') : '(top level)';
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, issue.path);
      return issue.keys.map((key) => {
        const near = nearestName(key, known);
        const remedy = near ? `did you mean '${near}'?` : `known keys: ${known.join(', ')}`;
        return `${where}: unknown key '${key}'; ${remedy}`;
      });
    }
    return [`${where}: ${issue.message}`];
  });
}

/**
 * Checks `value` against `schema`.
 * @param where what the value is, for the message: a file, or 'campaign configuration'.
 * @throws TitrateError with `code`, naming every problem.
 */
export function parseWith<S extends z.ZodType>(
  schema: S,
  value: unknown,
  where: string,
  code: ErrorCode = 'config-invalid',
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = explainIssues(schema, result.error);
  throw new TitrateError(code, {
    what: problems.join('; '),
    where,
    remedy: code === 'config-invalid' ? 'Mend these and try again; docs/schemas/ lists every key' : undefined,
  });
}
