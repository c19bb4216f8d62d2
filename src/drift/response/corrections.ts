import { TitrateError, type ControlsFound, type LabResult } from '../../contracts';
import { hashOf } from '../../foundation';
import type { DoubtableResult } from './in-doubt';
import { shrunkOffset } from './plate-offset';

/** An action that asked for controls, as far as corrections rest on it. */
export interface ControlledDoubt {
  readonly id: string;
  /** Plate or laboratory. */
  readonly subject: string | null;
  readonly found: ControlsFound | null;
}

export interface OffsetCorrections {
  readonly corrections: readonly LabResult[];
  /** Results in doubt that are not corrected, and why. */
  readonly passedOver: readonly { readonly resultId: string; readonly why: string }[];
}

/** What the look saw of a result's molecule on its plate; null: nothing. */
export type SeenValue = (result: DoubtableResult) => number | null;

/** Digits of the hash in the id of a correction. */
const ID_DIGITS = 20;
/** Values that were written down and read again are the same to so much. */
const SAME = 1e-9;
const KEPT = [
  ...(['batchId', 'moleculeId', 'qualifier', 'replicate'] as const),
  ...(['well', 'plate', 'measuredAt', 'lab', 'compoundId'] as const),
];

/** The same action corrects the same result by the same id: posted twice, it counts once. */
const correctionId = (action: string, resultId: string) =>
  `offset-${hashOf([action, resultId]).slice(0, ID_DIGITS)}`;

/**
 * Results to be posted so that the values in doubt count as what controls say of them: less the offset, or as failed where no constant puts
 * them right. What was measured stays on record, for a correction replaces and never destroys.
 *
 * @param standing results in doubt that nothing replaces, in the unit of the property
 * @throws contradiction where controls do not say that values are off
 */
export function offsetCorrections(
  { id, subject, found }: ControlledDoubt,
  standing: readonly DoubtableResult[],
  seen: SeenValue,
): OffsetCorrections {
  if (found === null || (found.decision !== 'correct' && found.decision !== 'exclude'))
    throw new TitrateError('contradiction', {
      what: found ? `nothing is to be corrected: ${found.sentence}` : 'its controls have not come back',
      where: `action '${id}'`,
    });
  const off = shrunkOffset(found.offset, found.standardError ?? Infinity);
  const note = `${subject}: ${found.sentence} (drift action ${id})`;

  function whyNot(result: DoubtableResult): string | null {
    const { resultId, replaces, outcome, property, value } = result;
    if (replaces !== undefined && resultId === correctionId(id, replaces)) return 'corrected already';
    if (outcome !== 'measured') return `${outcome}: there is no value`;
    if (property !== undefined) return `of ${property}, which nobody has doubted`;
    if (replaces === undefined) return null;
    const before = seen(result);
    const isSeen = before !== null && Math.abs(before - value!) <= SAME * Math.max(1, Math.abs(before));
    return isSeen ? null : `corrected by the laboratory since: it replaces ${replaces}`;
  }
  const corrected = (result: DoubtableResult): LabResult => ({
    ...(Object.fromEntries(
      KEPT.flatMap((field) => (result[field] === undefined ? [] : [[field, result[field]]])),
    ) as Pick<DoubtableResult, (typeof KEPT)[number]>),
    ...{ resultId: correctionId(id, result.resultId), replaces: result.resultId, note },
    ...(found.decision === 'correct'
      ? { outcome: 'measured', value: result.value! - off }
      : { outcome: 'failed' }),
  });

  const judged = standing.map((result) => ({ result, why: whyNot(result) }));
  return {
    corrections: judged.flatMap(({ result, why }) => (why === null ? [corrected(result)] : [])),
    passedOver: judged.flatMap(({ result: { resultId }, why }) => (why === null ? [] : [{ resultId, why }])),
  };
}
