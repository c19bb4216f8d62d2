import { createDriftAnswers } from './carry-out';
import { createDriftLook } from './look';
import type { DriftPorts } from './ports';

export type { DriftPorts, DriftSchedules } from './ports';
export type { DriftLooked, LookForDriftRequest } from './look';

/** Watching for drift, and what is done about it. */
export const createDriftActivities = (ports: DriftPorts) => ({
  ...createDriftLook(ports),
  ...createDriftAnswers(ports),
});
export type DriftActivities = ReturnType<typeof createDriftActivities>;
