export { DEFAULT_DRIFT_RULES, rulesOf } from './defaults';
export { FALSE_EFFECTS, judgeEffect, LEAST_ROWS, recordOf } from './effect';
export {
  offsetCorrections,
  type ControlledDoubt,
  type OffsetCorrections,
  type SeenValue,
} from './corrections';
export type { TakenAction } from './escalation';
export { figuresOf, pooledFigures } from './figures';
export { inDoubt, type Doubt, type DoubtableResult } from './in-doubt';
export {
  applyOffset,
  controlRows,
  CONTROLS,
  estimateOffset,
  LEAST_CONTROLS,
  type AppliedOffset,
  type OffsetDecision,
  type OffsetEstimate,
  type OffsetScale,
} from './plate-offset';
export { respond } from './policy';
