import type { CampaignConfig, LabelKey, TrainingRow } from '../contracts';
import { aggregateValues, dateOfAggregate, type MeasuredValue } from '../measurements';
import type { ResolvedResult } from './warehouse';

/** A result that nothing replaced, and the number of the chunk it arrived in (1, 2, …). */
export interface StandingResult {
  readonly result: Pick<
    ResolvedResult,
    | 'resultId'
    | 'batchId'
    | 'moleculeId'
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

/** What a campaign knows. Every list is sorted by id, and none depends on the order in which the results arrived. */
export interface Stock {
  readonly resultIds: readonly string[];
  readonly training: readonly TrainingRow[];
  /** When each training row was measured, as far as results and values were asked for with their dates. */
  readonly dates: readonly LabelKey[];
  /** Molecules with at least one uncensored value; with bounds only. Together: the training rows. */
  readonly measured: number;
  readonly censored: number;
  readonly failed: readonly string[];
  readonly abandoned: readonly string[];
  readonly pending: readonly string[];
  readonly excluded: readonly string[];
  readonly best: { readonly moleculeId: string; readonly smiles: string; readonly value: number } | null;
  /** InChIKeys of measured molecules, where a result carried one. */
  readonly inchiKeys: ReadonlyMap<string, string>;
}

const byId = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The picks of opened batches that still have no terminal outcome, per batch.
 *
 * A measured value settles every pick of its molecule: what the batch was sent out to learn is known. 'failed' and 'abandoned'
 * settle the pick of the batch they name; where they name none that holds the molecule, they settle the picks of batches that were
 * open when they arrived. So an old failure does not settle a later try, and neither does a value that was rolled away before the
 * batch went out: it is measured anew.
 * @param counted results that count where data were rolled away; left out, all do
 */
export function outstandingPicks(
  batches: readonly OpenedBatch[],
  results: readonly StandingResult[],
  counted: readonly StandingResult[] = results,
): Map<string, readonly string[]> {
  const ofMolecule = new Map<string, StandingResult[]>();
  for (const standing of results) {
    const list = ofMolecule.get(standing.result.moleculeId);
    if (list) list.push(standing);
    else ofMolecule.set(standing.result.moleculeId, [standing]);
  }
  const holders = new Map<string, Set<string>>();
  for (const batch of batches) holders.set(batch.batchId, new Set(batch.moleculeIds));

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
        return !(ofMolecule.get(moleculeId) ?? []).some(settles);
      }),
    ]),
  );
}

/**
 * Everything a round may know, from the standing results, the opened batches and the values measured before.
 *
 * A molecule is measured if any result or earlier value says so; else failed if any attempt failed (it has cost a pick and teaches
 * nothing); else abandoned, and a candidate again. `retryFailed` makes failed molecules candidates again.
 *
 * On a data branch `results` are those that count there, and `arrived` every standing one: a pick whose result was rolled away is no
 * longer out with the lab, so it is a candidate again.
 */
export function takeStock(input: {
  readonly results: readonly StandingResult[];
  /** `results`, where nothing was rolled away. */
  readonly arrived?: readonly StandingResult[];
  readonly batches: readonly OpenedBatch[];
  readonly prior: readonly MeasuredValue[];
  readonly direction: CampaignConfig['objective']['direction'];
  readonly retryFailed: boolean;
}): Stock {
  const { results, arrived = results, batches, prior, direction, retryFailed } = input;
  const values = new Map<string, MeasuredValue[]>();
  const add = (value: MeasuredValue) => {
    const list = values.get(value.moleculeId);
    if (list) list.push(value);
    else values.set(value.moleculeId, [value]);
  };
  prior.forEach(add);
  const attempts = { failed: new Set<string>(), abandoned: new Set<string>() };
  const inchiKeys = new Map<string, string>();
  for (const { result } of results) {
    const { moleculeId, standardSmiles, inchiKey, outcome, value, qualifier, measuredAt } = result;
    if (outcome === 'measured') {
      add({ moleculeId, smiles: standardSmiles, value: value!, qualifier, measuredAt });
      // Of several spellings the smallest, so that the order of arrival does not matter.
      const known = inchiKeys.get(moleculeId);
      if (inchiKey && (known === undefined || inchiKey < known)) inchiKeys.set(moleculeId, inchiKey);
    } else attempts[outcome].add(moleculeId);
  }

  const rows = [...values.values()].map(aggregateValues).sort((a, b) => byId(a.moleculeId, b.moleculeId));
  const failed = [...attempts.failed].filter((id) => !values.has(id)).sort(byId);
  const abandoned = [...attempts.abandoned]
    .filter((id) => !values.has(id) && !attempts.failed.has(id))
    .sort(byId);
  const pending = [...new Set([...outstandingPicks(batches, arrived, results).values()].flat())].sort(byId);
  const excluded = [...new Set([...values.keys(), ...pending, ...(retryFailed ? [] : failed)])].sort(byId);

  let best: Stock['best'] = null;
  for (const { moleculeId, smiles, value, boundsOnly } of rows) {
    if (boundsOnly) continue;
    // Rows are sorted, so of equal values the smallest id stays.
    if (!best || (direction === 'maximize' ? value > best.value : value < best.value))
      best = { moleculeId, smiles, value };
  }
  const training = rows.map(({ boundsOnly: _, ...row }) => row);
  const censored = rows.filter((row) => row.boundsOnly).length;
  return {
    resultIds: results.map(({ result }) => result.resultId).sort(byId),
    training,
    dates: training.map(({ moleculeId }) => ({ moleculeId, key: dateOfAggregate(values.get(moleculeId)!) })),
    measured: rows.length - censored,
    censored,
    failed,
    abandoned,
    pending,
    excluded,
    best,
    inchiKeys,
  };
}
