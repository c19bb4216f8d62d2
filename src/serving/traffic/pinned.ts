import { TitrateError, type ModelVersion, versionParts } from '../../contracts';
import type { PointerEntry, PointerLog } from '../../objects/pointers';
import { servingPointer } from '../../rollout/pointer-names';

/** Pointers by which one version serves its campaign, whatever is in the log, and nothing serves any other one. Read only. */
export function pinnedTo(version: ModelVersion): PointerLog {
  const pointer = servingPointer(versionParts(version.id).campaignId);
  const entry: PointerEntry = {
    number: 1,
    pointer,
    target: version.id,
    operationId: 'trial',
    previous: null,
    author: 'titrate',
    reason: 'on trial',
    at: new Date().toISOString(),
  };
  const refuse = (): never => {
    throw new TitrateError('internal', { what: 'a candidate moves no pointers' });
  };
  return {
    move: async () => refuse(),
    moveFrom: async () => refuse(),
    moveIf: async () => refuse(),
    head: async (asked) => (asked === pointer ? entry : null),
    entries: async (asked) => (asked === pointer ? [entry] : []),
  };
}
