export { Found } from './found';
export { sizeOf, type ReplayProtocol, type ReplayRun, type ReplayTable } from './protocol';
export { replay, type FitSurrogate, type ReplayOptions } from './replay';
