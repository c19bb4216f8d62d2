import type { StepCache } from '../objects';
import type { TrainingService } from './training';

/** Computes in this process. */
export function createLocalTraining(steps: StepCache): TrainingService {
  return {
    kind: 'local',
    runsHere: () => true,
    runtime: (here) => here(),
    run: ({ step, key }, here) => steps.run(step, key, here),
    close: () => Promise.resolve(),
  };
}
