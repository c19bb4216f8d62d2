export { evidenceOf, leaveOneOut, type HeldOutFigures } from './evidence';
export { firstRows, heldOutRows } from './draw';
export { Found } from './found';
export { sizeOf, type Mishaps, type ReplayProtocol, type ReplayRun, type ReplayTable } from './protocol';
export { replay, type FitSurrogate, type ReplayOptions, type ReplaySurrogate } from './replay';
