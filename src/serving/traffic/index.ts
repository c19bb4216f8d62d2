export type { CandidateMessage } from './candidate';
export { TRAFFIC_METRICS } from './metric-names';
export { pinnedTo } from './pinned';
export { createTraffic, type Traffic, type TrafficOptions } from './traffic';
export type { TrialStatus } from './trials';
