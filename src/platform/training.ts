import {
  checkJobs,
  createLocalTraining,
  createVertexTraining,
  createVizierTuning,
  type JobsOptions,
  type TrainingService,
  type TuningService,
  type VertexTrainingOptions,
} from '../training';
import { processEnvironment } from './process-environment';
import type { Settings } from './settings';

/** Few labels here, many there: a job elsewhere takes minutes to start. The runtime of a round follows the same rule. */
function trainingBySize(here: TrainingService, there: TrainingService, fromLabels: number): TrainingService {
  const choose = ({ labels }: { labels: number }) => (labels < fromLabels ? here : there);
  return {
    kind: there.kind,
    runsHere: (options) => choose(options).runsHere(options),
    runtime: (describe, options) => choose(options).runtime(describe, options),
    run: (work, compute) => choose(work).run(work, compute),
    async close() {
      await Promise.all([here.close(), there.close()]);
    },
  };
}

/** Kind of machine and account of training jobs; asked for only where `training.engine` is 'vertex'. */
function vertexJobs({ google, training }: Settings): JobsOptions {
  const { machineType, acceleratorType, acceleratorCount } = training;
  return {
    projectId: google.project!,
    region: google.region,
    endpoint: training.endpoint,
    labels: google.labels,
    machine: { image: training.image!, machineType, acceleratorType, acceleratorCount },
    strategy: training.strategy,
    timeoutHours: training.timeoutHours,
    serviceAccountEmail: training.serviceAccount,
    network: training.network,
  };
}

/** The variables by which a training job opens this installation's object store, and trains on what it was given. */
export function jobEnvironment(settings: Settings): Record<string, string> {
  const { learning, training } = settings;
  const paidFor = training.acceleratorCount > 0 && learning.backend === 'auto';
  // A GPU that is paid for and does not work is an error, not a slow day on the CPU.
  const backend = paidFor ? 'tensorflow-gpu' : learning.backend;
  const { push, endpoint } = settings.metrics;
  return processEnvironment(settings, [
    [['google', 'region'], settings.google.region],
    [['learning', 'backend'], backend],
    // Nobody can read a job's metrics while it runs.
    [['metrics', 'push'], push],
    [['metrics', 'endpoint'], endpoint],
  ]);
}

/** Asks Vertex AI for a listing, with the settings' account. @throws TitrateError that says what to mend */
export const checkVertex = (settings: Settings): Promise<void> => checkJobs(vertexJobs(settings));

/** Training as the settings have it. */
export function openTraining(
  settings: Settings,
  parts: Pick<VertexTrainingOptions, 'objects' | 'steps' | 'keepJobOn'>,
): TrainingService {
  const local = createLocalTraining(parts.steps);
  const { engine, vertexFromLabels } = settings.training;
  if (engine === 'local') return local;
  const vertex = vertexJobs(settings);
  const environment = jobEnvironment(settings);
  return trainingBySize(local, createVertexTraining({ ...parts, vertex, environment }), vertexFromLabels);
}

/** The service that settings are asked of; null: they are drawn here. */
export function openTuning({ google, training }: Settings): TuningService | null {
  if (training.tuner === 'local') return null;
  return createVizierTuning({
    projectId: google.project!,
    region: google.region,
    endpoint: training.endpoint,
  });
}
