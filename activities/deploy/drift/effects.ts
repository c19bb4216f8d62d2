import type { KeptAction, KeptLook } from '../../../src/contracts';
import { asTitrateError, versionParts } from '../../../src/contracts';
import {
  estimateOffset,
  figuresOf,
  judgeEffect,
  LEAST_CONTROLS,
  MINIMUM,
  type DriftSample,
} from '../../../src/drift';
import { standardDeviation } from '../../../src/foundation';
import type { ResolvedResult } from '../../../src/warehouse';
import { withModel } from './watched-model';
import type { DriftPorts } from './ports';

const numberOf = (version: string) => Number(versionParts(version).version.slice(1));

/** Whether a window shows what came of an action: it is of the same stream, began afterwards, and of the model that came of it. */
export function showsEffect(
  { record, model, judgedBy }: KeptAction,
  look: Pick<KeptLook, 'model' | 'place'> & {
    readonly record: Pick<KeptLook['record'], 'id' | 'at' | 'stream'>;
  },
): boolean {
  if (record.state !== 'done' || record.effect !== 'not-known-yet' || judgedBy.includes(look.record.id))
    return false;
  const streamOf = (id: string) => id.split('/')[0];
  if (look.record.stream !== streamOf(record.evidence.look) || look.record.id === record.evidence.look)
    return false;
  const ended = 'to' in look.place ? look.place.to : look.record.at;
  if (ended < record.doneAt!) return false;
  return model === null || (look.model !== null && numberOf(look.model) >= numberOf(model));
}

/** What the version that an action replaced says of the rows of a window; null where it cannot be asked. */
async function saidBefore(
  ports: DriftPorts,
  replaced: string | null,
  { smiles, observed }: DriftSample,
): Promise<Float64Array | null> {
  if (replaced === null || !smiles || !observed || smiles.some((text) => text === null)) return null;
  try {
    return await withModel(ports, replaced, async ({ loaded }) => {
      const molecules = smiles.map((text) => ({ smiles: text!, moleculeId: text! }));
      const outcomes = await loaded.predictStandard(molecules);
      return Float64Array.from(outcomes, (outcome) => ('error' in outcome ? NaN : outcome.value));
    });
  } catch (error) {
    // The blunter comparison, of windows before and after, needs no such model.
    if (['artifact-missing', 'artifact-pruned', 'not-found'].includes(asTitrateError(error).code))
      return null;
    throw error;
  }
}

/** The action with one more window taken into account. */
export async function judged(
  ports: DriftPorts,
  kept: KeptAction,
  look: string,
  sample: DriftSample,
): Promise<KeptAction> {
  const figures = figuresOf(sample, await saidBefore(ports, kept.replaced, sample));
  return {
    ...kept,
    record: judgeEffect(kept.record, figures),
    judgedBy: [...kept.judgedBy, look],
  };
}

/**
 * What controls say of the values they were asked for: those of the molecules that were measured again, on another plate (where a laboratory is in doubt, by another
 * one) and after the action, beside the values in doubt. Null while there are too few.
 */
export function controlsFound(
  { record, controls }: KeptAction,
  results: readonly ResolvedResult[],
  residuals: Float64Array,
): KeptAction['found'] {
  if (record.action !== 'control-plate' || controls.length === 0) return null;
  const isOfLab = record.cause === 'lab-offset';
  const pairs = controls.flatMap(({ moleculeId, value, plate, lab, resultIds }) => {
    const again = results.filter(
      (result) =>
        result.moleculeId === moleculeId &&
        result.outcome === 'measured' &&
        result.qualifier === '=' &&
        result.property === undefined &&
        !resultIds.includes(result.resultId) &&
        (plate === undefined || result.plate !== plate) &&
        !(isOfLab && result.lab === lab),
    );
    return again.length ? [{ doubted: value, control: again.at(-1)!.value! }] : [];
  });
  const known = residuals.filter(Number.isFinite);
  if (pairs.length < LEAST_CONTROLS || known.length < MINIMUM.truth) return null;
  const spread = standardDeviation([...known]);
  if (!(spread > 0)) return null;
  const {
    decision,
    offset,
    standardError,
    sentence,
    controls: count,
  } = estimateOffset(
    pairs.map(({ doubted }) => doubted),
    pairs.map(({ control }) => control),
    { spread },
  );
  return {
    ...{ decision, offset, sentence, controls: count },
    standardError: Number.isFinite(standardError) ? standardError : null,
  };
}
