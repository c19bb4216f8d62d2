export { DEFAULT_DRIFT_RULES, rulesOf } from './defaults';
export { FALSE_EFFECTS, judgeEffect, LEAST_ROWS, recordOf } from './effect';
export type { TakenAction } from './escalation';
export { figuresOf, pooledFigures } from './figures';
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
