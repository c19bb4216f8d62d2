import { TitrateError, type CampaignConfig, type LabelKey, type TrainingRow } from '../contracts';
import { aggregateValues, dateOfAggregate, type MeasuredValue } from '../measurements';
import type { ResolvedResult } from './warehouse';

/** A result that nothing replaced, and the number of the chunk it arrived in (1, 2, …). */
export interface StandingResult {
  readonly result: Pick<
    ResolvedResult,
    | 'resultId'
    | 'batchId'
    | 'moleculeId'
    | 'property'
    | 'standardSmiles'
    | 'inchiKey'
    | 'outcome'
    | 'value'
    | 'qualifier'
    | 'measuredAt'
  >;
  readonly chunk: number;
}

/** A batch out with the lab, opened when `afterChunks` chunks of results had arrived. */
export interface OpenedBatch {
  readonly batchId: string;
  readonly afterChunks: number;
  readonly moleculeIds: readonly string[];
}

/** What a campaign knows of one property. */
export interface PropertyStock {
  readonly training: readonly TrainingRow[];
  /** When each training row was measured, as far as results and values were asked for with their dates. */
  readonly dates: readonly LabelKey[];
  /** Molecules with at least one uncensored value; with bounds only. Together: the training rows. */
  readonly measured: number;
  readonly censored: number;
  /** Molecules with a failed attempt and no value. */
  readonly failed: readonly string[];
}

/**
 * What a campaign knows: of its first property, and of `others` in the order they were asked for. Every list is sorted by id, and
 * none depends on the order in which the results arrived.
 */
export interface Stock extends PropertyStock {
  readonly resultIds: readonly string[];
  readonly others: readonly PropertyStock[];
  /** Neither measured nor failed, of any property. */
  readonly abandoned: readonly string[];
  readonly pending: readonly string[];
  readonly excluded: readonly string[];
  readonly best: { readonly moleculeId: string; readonly smiles: string; readonly value: number } | null;
  /** InChIKeys of measured molecules, where a result carried one. */
  readonly inchiKeys: ReadonlyMap<string, string>;
}

const byId = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The property that a result is about: '' for the first one, which results do not name. */
const propertyOf = ({ property }: StandingResult['result']): string => property ?? '';

/**
 * The picks of opened batches that still have no terminal outcome, per batch.
 *
 * A pick is settled once every property of its molecule is, or it was abandoned. A measured value settles its property of every pick
 * of its molecule: what the batch was sent out to learn is known. 'failed' (of its property) and 'abandoned' (of the molecule) settle
 * the pick of the batch they name; where they name none that holds the molecule, they settle the picks of batches that were open when
 * they arrived. So an old failure does not settle a later try, and neither does a value that was rolled away before the batch went
 * out: it is measured anew.
 * @param counted results that count where data were rolled away; left out, all do
 * @param others further properties that every pick is measured for
 */
export function outstandingPicks(
  batches: readonly OpenedBatch[],
  results: readonly StandingResult[],
  counted: readonly StandingResult[] = results,
  others: readonly string[] = [],
): Map<string, readonly string[]> {
  const ofMolecule = new Map<string, StandingResult[]>();
  for (const standing of results) {
    const list = ofMolecule.get(standing.result.moleculeId);
    if (list) list.push(standing);
    else ofMolecule.set(standing.result.moleculeId, [standing]);
  }
  const holders = new Map<string, Set<string>>();
  for (const batch of batches) holders.set(batch.batchId, new Set(batch.moleculeIds));

  const properties = ['', ...others];
  const counts = new Set(counted.map(({ result }) => result.resultId));
  return new Map(
    batches.map((batch) => [
      batch.batchId,
      batch.moleculeIds.filter((moleculeId) => {
        const settles = ({ result, chunk }: StandingResult) => {
          if (result.outcome === 'measured' && counts.has(result.resultId)) return true;
          const named = result.batchId !== undefined && holders.get(result.batchId)?.has(moleculeId);
          return named ? result.batchId === batch.batchId : chunk > batch.afterChunks;
        };
        const settling = (ofMolecule.get(moleculeId) ?? []).filter(settles).map(({ result }) => result);
        if (settling.some(({ outcome }) => outcome === 'abandoned')) return false;
        const settled = new Set(settling.map(propertyOf));
        return !properties.every((property) => settled.has(property));
      }),
    ]),
  );
}

/** What is known of one property so far: values by molecule, and molecules with a failed attempt. */
class Ledger {
  readonly values = new Map<string, MeasuredValue[]>();
  readonly attempts = new Set<string>();

  add(value: MeasuredValue): void {
    const list = this.values.get(value.moleculeId);
    if (list) list.push(value);
    else this.values.set(value.moleculeId, [value]);
  }

  /** Rows sorted by molecule, each with whether it holds bounds only. */
  rows() {
    return [...this.values.values()].map(aggregateValues).sort((a, b) => byId(a.moleculeId, b.moleculeId));
  }

  stock(rows = this.rows()): PropertyStock {
    const training = rows.map(({ boundsOnly: _, ...row }) => row);
    const censored = rows.filter((row) => row.boundsOnly).length;
    return {
      training,
      dates: training.map(({ moleculeId }) => ({
        moleculeId,
        key: dateOfAggregate(this.values.get(moleculeId)!),
      })),
      measured: rows.length - censored,
      censored,
      failed: [...this.attempts].filter((id) => !this.values.has(id)).sort(byId),
    };
  }
}

/**
 * Everything a round may know, from the standing results, the opened batches and the values measured before, which are of the first
 * property.
 *
 * Of a property a molecule is measured if any result or earlier value says so; else failed if any attempt failed (it has cost a pick and
 * teaches nothing). A molecule with a value of any property, or failed on the first, is no candidate any more; `retryFailed` makes the
 * failed ones candidates again, as abandoned ones are.
 *
 * On a data branch `results` are those that count there, and `arrived` every standing one: a pick whose result was rolled away is no
 * longer out with the lab, so it is a candidate again.
 * @throws TitrateError internal for a result of a property that is none of them: intake refuses such
 */
export function takeStock(input: {
  readonly results: readonly StandingResult[];
  /** `results`, where nothing was rolled away. */
  readonly arrived?: readonly StandingResult[];
  readonly batches: readonly OpenedBatch[];
  readonly prior: readonly MeasuredValue[];
  readonly direction: CampaignConfig['objective']['direction'];
  /** Names of further properties. */
  readonly others?: readonly string[];
  readonly retryFailed: boolean;
}): Stock {
  const { results, arrived = results, batches, prior, direction, others = [], retryFailed } = input;
  const first = new Ledger();
  const ledgers = new Map([['', first], ...others.map((name) => [name, new Ledger()] as const)]);
  for (const value of prior) first.add(value);
  const givenUp = new Set<string>();
  const inchiKeys = new Map<string, string>();
  for (const { result } of results) {
    const { moleculeId, standardSmiles, inchiKey, outcome, value, qualifier, measuredAt } = result;
    if (outcome === 'abandoned') {
      givenUp.add(moleculeId);
      continue;
    }
    const ledger = ledgers.get(propertyOf(result));
    if (!ledger) {
      throw new TitrateError('internal', {
        what: `result '${result.resultId}' is of '${result.property}', which is none of the campaign's properties`,
        where: 'warehouse',
      });
    }
    if (outcome === 'failed') {
      ledger.attempts.add(moleculeId);
      continue;
    }
    ledger.add({ moleculeId, smiles: standardSmiles, value: value!, qualifier, measuredAt });
    // Of several spellings the smallest, so that the order of arrival does not matter.
    const known = inchiKeys.get(moleculeId);
    if (inchiKey && (known === undefined || inchiKey < known)) inchiKeys.set(moleculeId, inchiKey);
  }

  const rows = first.rows();
  const stock = first.stock(rows);
  const all = [...ledgers.values()];
  const pending = [...new Set([...outstandingPicks(batches, arrived, results, others).values()].flat())].sort(
    byId,
  );
  const measured = all.flatMap(({ values }) => [...values.keys()]);
  const excluded = [...new Set([...measured, ...pending, ...(retryFailed ? [] : stock.failed)])].sort(byId);
  const tried = new Set([...measured, ...all.flatMap(({ attempts }) => [...attempts])]);

  let best: Stock['best'] = null;
  for (const { moleculeId, smiles, value, boundsOnly } of rows) {
    if (boundsOnly) continue;
    // Rows are sorted, so of equal values the smallest id stays.
    if (!best || (direction === 'maximize' ? value > best.value : value < best.value))
      best = { moleculeId, smiles, value };
  }
  return {
    resultIds: results.map(({ result }) => result.resultId).sort(byId),
    ...stock,
    others: others.map((name) => ledgers.get(name)!.stock()),
    abandoned: [...givenUp].filter((id) => !tried.has(id)).sort(byId),
    pending,
    excluded,
    best,
    inchiKeys,
  };
}
