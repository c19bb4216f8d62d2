export { behaviourGate } from './behaviour';
export { budgetGate, type Performance } from './budget';
export { examineCandidate, type ExaminationPorts } from './examine';
export { calibrationGate, labelsGate, pairedQualityGate, pairHeldOut } from './held-out';
export { integrityGate } from './integrity';
export { judgeGates, type GateLimits, type GateRequest } from './judge-gates';
export { skewGate, storedFeatures, type Skew } from './skew';
