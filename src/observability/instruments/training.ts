import type { TrainingService, TrainingWork } from '../../training';
import type { Metrics } from '../metrics/metrics';

/** The family that a task's request is about; of `acquireBatch` that of the model that scores. */
function familyOf({ request }: TrainingWork): string {
  const { trial, choice, model } = request as {
    trial?: { settings: { family: string } };
    choice?: { settings: { family: string } };
    model?: { family: string } | null;
  };
  return trial?.settings.family ?? choice?.settings.family ?? model?.family ?? 'none';
}

/**
 * A training service whose work is counted: trials by outcome, times of what was computed, labels of the last cut.
 * @param onJob told the seconds of each step that was computed elsewhere
 */
export function observeTraining(
  service: TrainingService,
  { training }: Pick<Metrics, 'training'>,
  onJob: (seconds: number) => void = () => {},
): TrainingService {
  const { trials, duration, labels } = training;
  return {
    kind: service.kind,
    runsHere: (options) => service.runsHere(options),
    runtime: (here, options) => service.runtime(here, options),
    async run(work, here) {
      const family = familyOf(work);
      const isTrial = work.task === 'runTrial';
      try {
        const outcome = await service.run(work, here);
        if (isTrial) trials.inc({ family, outcome: outcome.cached ? 'cached' : 'computed' });
        const isLocal = service.runsHere(work);
        if (!outcome.cached && !isLocal) onJob(outcome.seconds);
        if (!outcome.cached && work.task !== 'acquireBatch')
          duration.observe({ family, engine: isLocal ? 'local' : 'vertex' }, outcome.seconds);
        if (work.task === 'trainModel') labels.set(work.labels);
        return outcome;
      } catch (error) {
        if (isTrial) trials.inc({ family, outcome: 'failed' });
        throw error;
      }
    },
    close: () => service.close(),
  };
}
