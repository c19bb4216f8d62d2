import { STEPS, TitrateError, asTitrateError, type RuntimePin } from '../../src/contracts';
import { stepHash } from '../../src/objects';
import {
  readJobRequest,
  recordFailure,
  RUNTIME_STEP,
  TRAINING_TASKS,
  type JobRequest,
  type TrainingRuntime,
} from '../../src/training';
import { withPulse, type Pulse } from '../shared/heartbeat';
import type { TrainingPorts } from '../shared/ports';
import { createTrainingTasks, type TrainingTasks } from '.';

export interface TrainingJob {
  /** sha256 of the JobRequest. */
  readonly request: string;
  /** Number of the claim that the job was created under. */
  readonly claim: number;
}

/**
 * What a training job does: runs the named activity here, which records the step's output. A failure is recorded for whoever waits for
 * the job, and thrown; a cancellation leaves no word, since the job may be begun again.
 * @param ports with training in this process: whoever runs in a job starts no other one
 */
export async function runTrainingJob(
  ports: TrainingPorts,
  { request, claim }: TrainingJob,
  pulse: Pulse,
): Promise<void> {
  const { objects } = ports;
  const job = await readJobRequest(objects, request);
  const activities = createTrainingTasks(ports);
  try {
    await withPulse(pulse, () => runTask(ports, activities, job));
  } catch (error) {
    const known = asTitrateError(error);
    if (known.code !== 'cancelled' && !pulse.cancellationSignal.aborted)
      await recordFailure(objects, job.hash, claim, known);
    throw known;
  }
}

async function runTask({ steps }: Pick<TrainingPorts, 'steps'>, activities: TrainingTasks, job: JobRequest) {
  refuseOtherRelease(job);
  if (job.task === 'describeRuntime') {
    await steps.run(RUNTIME_STEP, job.key, () => activities.describeRuntime());
    return;
  }
  const { runtime } = job.request as { runtime: RuntimePin };
  refuseOtherRuntime(runtime, await activities.describeRuntime());
  const run = activities[job.task] as (request: unknown) => Promise<unknown>;
  await run(job.request);
}

/** @throws TitrateError runtime-mismatch when this image's step is another one than the launcher's. */
function refuseOtherRelease({ task, step, key, hash }: JobRequest): void {
  const here = [...Object.values(STEPS), RUNTIME_STEP].find(({ name }) => name === step.name);
  const known = task === 'describeRuntime' || TRAINING_TASKS.includes(task);
  if (known && here?.version === step.version && stepHash(step, key) === hash) return;
  throw new TitrateError('runtime-mismatch', {
    what: `the launcher asks for version ${step.version} of the step '${step.name}' (${task}), this image has ${here ? `version ${here.version}` : 'none'}`,
    where: 'training job',
    remedy: 'Build the image of infra/docker/training.Dockerfile from the release that the workers run',
  });
}

/** @throws TitrateError runtime-mismatch: the round pinned a runtime, and only that one gives its bits. */
function refuseOtherRuntime(pinned: RuntimePin, here: TrainingRuntime): void {
  const differing = (Object.keys(here) as (keyof TrainingRuntime)[]).filter(
    (part) => pinned[part] !== here[part],
  );
  if (differing.length === 0) return;
  throw new TitrateError('runtime-mismatch', {
    what: differing.map((part) => `${part} is ${here[part]}, the round pinned ${pinned[part]}`).join('; '),
    where: 'training job',
    remedy: 'Another machine of the kind may fit; a new round pins what is there now',
  });
}
