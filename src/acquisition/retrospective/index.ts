export { evidenceOf, leaveOneOut, type HeldOutFigures } from './evidence';
export { firstRows, heldOutRows } from './draw';
export { Found } from './found';
export {
  sizeOf,
  type Mishaps,
  type ReplayProtocol,
  type ReplayRun,
  type ReplayTable,
  type SeveralProperties,
} from './protocol';
export { type FitSurrogate, type ReplaySurrogate } from './fits';
export { replay, type ReplayOptions } from './replay';
export { FoundFront } from './several';
