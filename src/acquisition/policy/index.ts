export { decide, type DecisionRequest } from './decide';
export type { Decision, DecisionPart } from './decision';
export type { Evidence } from './evidence';
