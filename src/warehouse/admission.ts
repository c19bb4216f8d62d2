import { canonicalJson, outcomeSchema, qualifierSchema, type Receipt } from '../contracts';
import type { ResolvedResult } from './warehouse';

/** A result the campaign has, and the one that replaced it. */
export interface KnownResult {
  readonly result: ResolvedResult;
  readonly replacedBy: string | null;
}

export interface Admission {
  /** One a posted row, in its order. */
  readonly receipts: Receipt[];
  readonly accepted: ResolvedResult[];
}

/**
 * What a result says, field by field, whatever the spelling: the molecule by its id (not by the SMILES it was posted with, nor what
 * was derived from it), the moment of measurement as an instant.
 */
function contentOf(result: ResolvedResult): Map<string, string> {
  const {
    smiles: _smiles,
    standardSmiles: _standardSmiles,
    inchiKey: _inchiKey,
    measuredAt,
    ...said
  } = result;
  const instant = measuredAt === undefined ? undefined : new Date(measuredAt).getTime();
  const entries = Object.entries({ ...said, measuredAt: Number.isNaN(instant) ? measuredAt : instant });
  return new Map(
    entries.flatMap(([field, value]) => (value === undefined ? [] : [[field, canonicalJson(value)]])),
  );
}

function differences(a: ResolvedResult, b: ResolvedResult): string[] {
  const [left, right] = [contentOf(a), contentOf(b)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((field) => left.get(field) !== right.get(field))
    .sort();
}

const OUTCOMES: ReadonlySet<string> = new Set(outcomeSchema.options);
const QUALIFIERS: ReadonlySet<string> = new Set(qualifierSchema.options);
/** Half of a surrogate pair, which no database keeps as it is: the result could not be found again. */
const HALF_CHARACTER = /\p{Surrogate}/u;

/** What makes a row impossible to keep: rows come from typed callers, yet what is recorded once must be readable for ever. */
export function faultOf(result: ResolvedResult): string | null {
  if (!result.resultId) return 'there is no resultId';
  if (!result.moleculeId || !result.standardSmiles) return 'the molecule is not known';
  for (const field of [
    'resultId',
    'replaces',
    'batchId',
    'moleculeId',
    'standardSmiles',
    'inchiKey',
  ] as const)
    if (HALF_CHARACTER.test(result[field] ?? ''))
      return `${field} holds half a character (a lone UTF-16 surrogate)`;
  if (!OUTCOMES.has(result.outcome))
    return `'${String(result.outcome)}' is not an outcome; expected ${[...OUTCOMES].join(', ')}`;
  if (!QUALIFIERS.has(result.qualifier))
    return `'${String(result.qualifier)}' is not a qualifier; expected =, < or >`;
  if (result.value !== undefined && !Number.isFinite(result.value))
    return `the value ${result.value} is not a finite number`;
  if (result.outcome === 'measured' && result.value === undefined)
    return "outcome is 'measured' but there is no value";
  return null;
}

/**
 * Decides row by row, in order, what becomes of posted results. Pure.
 *
 * - A known resultId that says the same is a duplicate; one that says something else is rejected, naming the fields.
 * - `replaces` must name a result accepted earlier (an earlier row of the same call will do) that nothing has replaced yet:
 *   corrections of one result form a chain, so which value holds never depends on which of two corrections came first. A second
 *   correction of the same result is rejected, and told which one to correct instead.
 * @param known the campaign's results among the ids and `replaces` of `results`
 */
export function admitResults(
  known: ReadonlyMap<string, KnownResult>,
  results: readonly ResolvedResult[],
): Admission {
  const receipts: Receipt[] = [];
  const accepted: ResolvedResult[] = [];
  const added = new Map<string, ResolvedResult>();
  const replacedNow = new Map<string, string>();

  const judge = (result: ResolvedResult): Pick<Receipt, 'status' | 'message'> => {
    const problem = faultOf(result);
    if (problem) return { status: 'rejected', message: problem };
    const earlier = added.get(result.resultId) ?? known.get(result.resultId)?.result;
    if (earlier) {
      const fields = differences(earlier, result);
      if (fields.length === 0)
        return {
          status: 'duplicate',
          message: `repeats result '${result.resultId}', which is there already`,
        };
      return {
        status: 'rejected',
        message: `result '${result.resultId}' is there already with another ${fields.join(', ')}; post a correction under a new resultId with replaces: '${result.resultId}'`,
      };
    }
    const { replaces } = result;
    if (replaces !== undefined) {
      if (!added.has(replaces) && !known.has(replaces)) {
        return {
          status: 'rejected',
          message: `replaces '${replaces}', which is no earlier result of this campaign`,
        };
      }
      const other = replacedNow.get(replaces) ?? known.get(replaces)?.replacedBy;
      if (other != null) {
        return {
          status: 'rejected',
          message: `'${replaces}' has already been replaced by '${other}'; correct that one instead`,
        };
      }
      replacedNow.set(replaces, result.resultId);
    }
    added.set(result.resultId, result);
    accepted.push(result);
    return { status: 'accepted' };
  };

  for (const result of results) {
    receipts.push({ resultId: result.resultId, moleculeId: result.moleculeId, ...judge(result) });
  }
  return { receipts, accepted };
}
