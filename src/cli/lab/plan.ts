import type { BatchSheet, LabResultInput } from '../../contracts';
import { createRandom, deriveSeed } from '../../foundation';

/** How a simulated laboratory behaves. */
export interface LabHabits {
  readonly seed: number;
  /** Share of a batch that comes back only after the next round has started, 0 to 1. */
  readonly lateShare: number;
  /** Share of a batch whose assay fails, 0 to 1. */
  readonly failedShare: number;
  /** Messages that a batch's results are spread over. */
  readonly messages: number;
  /** One result of a batch is posted twice, in two messages. */
  readonly duplicate: boolean;
  /** Of several properties: share of the values beside the first one that come to nothing, 0 to 1. */
  readonly missingShare?: number;
  /** One result of a batch is first posted with a wrong value, then corrected. */
  readonly correction: boolean;
}

export interface LabPlan {
  /** In the order they are posted. Everything a round needs has come with the last one. */
  readonly messages: readonly (readonly LabResultInput[])[];
  readonly late: readonly LabResultInput[];
  readonly failed: number;
  readonly duplicates: number;
  readonly corrections: number;
  /** Values that are not known; their assay 'fails' with a note that says so. */
  readonly unknown: number;
}

/** A plate of 96 wells: A1 to H12, row by row. */
const PLATE_COLUMNS = 12;
const PLATE_WELLS = 96;
const well = (index: number) =>
  `${String.fromCharCode(65 + Math.floor(index / PLATE_COLUMNS))}${(index % PLATE_COLUMNS) + 1}`;
/** How far off the wrong value is that a correction replaces, in the property's unit. */
const SLIP = 3;

/**
 * What a laboratory posts about a batch: a pure function of the batch, the truth and the habits, so a campaign that is
 * simulated again with the same seed gets the same results under the same ids.
 * @param truth values of the first property by moleculeId
 * @param further those of the sheet's other properties, by property
 * @param isLast in a campaign's last round nobody waits for late results, so they come with the last message.
 */
export function planBatch(
  sheet: BatchSheet,
  truth: ReadonlyMap<string, number>,
  habits: LabHabits,
  isLast: boolean,
  further: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map(),
): LabPlan {
  const random = createRandom(deriveSeed(habits.seed, 'laboratory', sheet.round));
  const order = random.shuffle(sheet.picks);
  const lateCount = Math.floor(order.length * habits.lateShare);
  const failedCount = Math.round(order.length * habits.failedShare);
  const fails = new Set(
    random
      .shuffle(order)
      .slice(0, failedCount)
      .map((pick) => pick.moleculeId),
  );
  let unknown = 0;
  const results = order.map((pick): LabResultInput => {
    const index = pick.rank - 1;
    const common = {
      resultId: `${sheet.batchId}/${pick.rank}`,
      batchId: sheet.batchId,
      moleculeId: pick.moleculeId,
      compoundId: pick.compoundId,
      plate: `round ${sheet.round}, plate ${Math.floor(index / PLATE_WELLS) + 1}`,
      well: well(index % PLATE_WELLS),
      lab: 'simulated laboratory',
    };
    const value = truth.get(pick.moleculeId);
    if (value === undefined) {
      unknown++;
      return { ...common, outcome: 'failed', note: 'the truth files hold no value for this molecule' };
    }
    if (fails.has(pick.moleculeId)) return { ...common, outcome: 'failed', note: 'precipitated' };
    return { ...common, outcome: 'measured', value, unit: sheet.unit };
  });
  // Drawn apart, so that a batch of one property is what it always was.
  const assays = createRandom(deriveSeed(habits.seed, 'further assays', sheet.round));
  const besides = new Map(
    results.map((result) => [
      result,
      (sheet.others ?? []).map(({ property, unit }): LabResultInput => {
        const { value: _value, unit: _unit, ...common } = result;
        const value = further.get(property)?.get(result.moleculeId!);
        const missing = assays.next() < (habits.missingShare ?? 0);
        const other = { ...common, resultId: `${result.resultId}/${property}`, property };
        if (fails.has(result.moleculeId!)) return { ...other, outcome: 'failed', note: 'precipitated' };
        if (value === undefined) {
          unknown++;
          return { ...other, outcome: 'failed', note: 'the truth files hold no value of it' };
        }
        if (missing) return { ...other, outcome: 'failed', note: 'the assay gave no value' };
        return { ...other, outcome: 'measured', value, ...(unit !== undefined && { unit }), note: undefined };
      }),
    ]),
  );
  const withOthers = (some: readonly LabResultInput[]) =>
    some.flatMap((result) => [result, ...besides.get(result)!]);

  const late = isLast ? [] : withOthers(results.slice(0, lateCount));
  const withLast = isLast ? withOthers(results.slice(0, lateCount)) : [];
  const onTime = results.slice(lateCount);
  const count = Math.max(1, Math.min(habits.messages, onTime.length));
  const messages: LabResultInput[][] = Array.from({ length: count }, () => []);
  onTime.forEach((result, i) =>
    messages[Math.floor((i * count) / onTime.length)]!.push(...withOthers([result])),
  );

  let corrections = 0;
  // The correction comes before the last message: with that one the campaign may go on.
  const slipped =
    habits.correction && count > 1 ? messages[0]!.find(({ outcome }) => outcome === 'measured') : undefined;
  if (slipped) {
    const right = {
      ...slipped,
      resultId: `${slipped.resultId}/corrected`,
      replaces: slipped.resultId,
      note: 'the first value was read off the wrong well',
    };
    messages[0] = messages[0]!.map((result) =>
      result === slipped ? { ...slipped, value: slipped.value! + SLIP } : result,
    );
    messages[1] = [right, ...messages[1]!];
    corrections = 1;
  }
  const repeated = habits.duplicate ? messages[0]![0] : undefined;
  if (repeated) messages[count - 1] = [...messages[count - 1]!, repeated];
  messages[count - 1] = [...messages[count - 1]!, ...withLast];
  return {
    messages,
    late,
    failed: withOthers(results).filter(({ outcome }) => outcome === 'failed').length,
    duplicates: repeated ? 1 : 0,
    corrections,
    unknown,
  };
}
