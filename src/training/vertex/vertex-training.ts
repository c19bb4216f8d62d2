import { setTimeout as sleep } from 'node:timers/promises';
import { TitrateError, type StepDefinition } from '../../contracts';
import { createStepCache, stepHash, type ObjectStore, type StepCache, type StepKey } from '../../objects';
import { jobRecords, recordedFailure, RUNTIME_STEP, writeJobRequest, type JobRequest } from '../job-request';
import { createOnce, type Sighting } from '../once';
import type { TrainingOptions, TrainingRuntime, TrainingService } from '../training';
import { endedJob } from './job-errors';
import {
  createCustomJobs,
  isEnding,
  isFinal,
  type CustomJob,
  type CustomJobs,
  type JobsOptions,
} from './jobs';
import { isAmbiguous, labelValue } from './service';

export interface VertexTrainingOptions {
  readonly objects: ObjectStore;
  readonly steps: StepCache;
  readonly vertex: JobsOptions;
  /** TITRATE_* variables by which a job opens the same object store. */
  readonly environment: Readonly<Record<string, string>>;
  /** Between two looks at a job, seconds. Default 10. */
  readonly pollSeconds?: number;
  /** See createOnce. */
  readonly patienceSeconds?: number;
  /**
   * Whether the job is to go on when the signal fires, by the signal's reason: when this process only shuts down, the retry finds the
   * job. Default: it is cancelled.
   */
  readonly keepJobOn?: (reason: unknown) => boolean;
}

/** What a job runs, in the image of infra/docker/training.Dockerfile. */
export const JOB_COMMAND = ['node', '--enable-source-maps', 'dist/workers/training-job.js'] as const;

const STEP_LABEL = 'titrate_step';
const CLAIM_LABEL = 'titrate_claim';
const DEFAULT_POLL_SECONDS = 10;
/** A job that was told to end is waited for so long, seconds; Vertex AI promises no time. */
const CANCELLATION_SECONDS = 300;
/** Of the hash, in names that people read. */
const SHORT_HASH = 12;

const cancelled = (where: string) => new TitrateError('cancelled', { what: 'training was cancelled', where });

/**
 * Trains in custom jobs of Vertex AI. A job is our image with the request's hash: it runs the very function that would run here, on the
 * same object store, and records its output in the step cache; what is recorded is the result. A job carries its step's hash as a
 * label and is found by it again, so a retry attaches to the job that is there.
 */
export function createVertexTraining(options: VertexTrainingOptions): TrainingService {
  const { objects, steps, vertex } = options;
  const jobs = createCustomJobs(vertex);
  const { image, machineType, acceleratorType, acceleratorCount } = vertex.machine;
  // A cache of its own: the calls that wait in `steps` for this very step must not meet the look-ups in it.
  const recorded = createStepCache(objects);

  /** Runs the step in a job. @returns its recorded output */
  async function inJob<T>(
    work: Omit<JobRequest, 'hash'> & Pick<TrainingOptions, 'signal' | 'onProgress'>,
  ): Promise<T> {
    const { signal, onProgress, ...request } = work;
    const hash = stepHash(request.step, request.key);
    const run = new JobRun(options, jobs, { ...request, hash }, signal, onProgress);
    const lookUp = () => recordedOutput<T>(recorded, request.step, request.key);
    return run.output(lookUp);
  }

  return {
    kind: 'vertex',
    runsHere: () => false,
    async runtime(_here, { signal, onProgress }) {
      const key: StepKey = {
        inputs: {},
        parameters: {
          image,
          machineType,
          acceleratorType: acceleratorCount > 0 ? acceleratorType : undefined,
          acceleratorCount,
          backend: options.environment.TITRATE_LEARNING_BACKEND,
        },
      };
      const work = {
        task: 'describeRuntime',
        step: RUNTIME_STEP,
        key,
        request: {},
        signal,
        onProgress,
      } as const;
      return (await steps.run(RUNTIME_STEP, key, () => inJob<TrainingRuntime>(work))).value;
    },
    run: <T>({
      task,
      step: { name, version },
      key,
      request,
      signal,
      onProgress,
    }: Parameters<TrainingService['run']>[0]) =>
      steps.run<T>({ name, version }, key, () =>
        inJob<T>({ task, step: { name, version }, key, request, signal, onProgress }),
      ),
    close: () => jobs.close(),
  };
}

/** Whether jobs can be listed: that there are credentials, the API and the permission. @throws TitrateError that says what to mend */
export async function checkJobs(options: JobsOptions): Promise<void> {
  const jobs = createCustomJobs(options);
  try {
    await jobs.list(STEP_LABEL, 'none');
  } finally {
    await jobs.close();
  }
}

/** The recorded output of a step; null when there is none. Nothing is computed, and nothing recorded. */
async function recordedOutput<T>(
  steps: StepCache,
  step: StepDefinition,
  key: StepKey,
): Promise<{ value: T } | null> {
  try {
    // As a cancellation: whoever waits for this look-up must not take it for the step's failure.
    return await steps.run<T>(step, key, () => Promise.reject(cancelled('the step is not recorded')));
  } catch (error) {
    if (error instanceof TitrateError && error.code === 'cancelled') return null;
    throw error;
  }
}

/** One step's job, from finding or creating it to its end. */
class JobRun {
  private readonly where: string;

  constructor(
    private readonly options: VertexTrainingOptions,
    private readonly jobs: CustomJobs,
    private readonly request: JobRequest,
    private readonly signal: AbortSignal | undefined,
    private readonly onProgress: TrainingOptions['onProgress'],
  ) {
    this.where = `step '${request.step.name}' ${request.hash.slice(0, SHORT_HASH)}`;
  }

  async output<T>(lookUp: () => Promise<{ value: T } | null>): Promise<T> {
    let job = await this.findOrCreate(async () => (await lookUp()) !== null);
    try {
      while (!isFinal(job)) {
        this.report(job);
        await this.pause();
        if (this.signal?.aborted) throw cancelled(this.where);
        job = await this.jobs.get(job.name);
      }
    } catch (error) {
      if (this.signal?.aborted && !this.options.keepJobOn?.(this.signal.reason)) await this.end(job);
      throw error;
    }
    this.report(job);
    const found = await lookUp();
    if (found) return found.value;
    const link = this.jobs.consoleLink(job.name);
    const { objects, vertex } = this.options;
    const told = await recordedFailure(objects, this.request.hash, Number(job.labels[CLAIM_LABEL]), link);
    throw told ?? endedJob(job, vertex, link);
  }

  /** @param isRecorded whether the step has its output by now */
  private async findOrCreate(isRecorded: () => Promise<boolean>): Promise<CustomJob> {
    const { options, jobs, request, where } = this;
    const argument = await writeJobRequest(options.objects, request);
    return createOnce({
      objects: options.objects,
      records: jobRecords(request.hash),
      where,
      patienceSeconds: options.patienceSeconds,
      signal: this.signal,
      isAmbiguous,
      explain: (error) => jobs.explain(error, `creating the job of ${where}`),
      look: () => this.look(isRecorded),
      create: (claim) =>
        jobs.create({
          displayName: `titrate-${request.step.name}-${request.hash.slice(0, SHORT_HASH)}-${claim}`,
          labels: { [STEP_LABEL]: labelValue(request.hash), [CLAIM_LABEL]: String(claim) },
          command: JOB_COMMAND,
          args: ['--request', argument, '--claim', String(claim)],
          environment: options.environment,
        }),
    });
  }

  /** The step's living job. Should there be two after all, the older one goes on. */
  private async look(isRecorded: () => Promise<boolean>): Promise<Sighting<CustomJob>> {
    const label = labelValue(this.request.hash);
    for (;;) {
      const all = await this.jobs.list(STEP_LABEL, label);
      const living = all.filter((job) => !isFinal(job));
      const ending = living.find(isEnding);
      if (!ending) {
        const [oldest, ...others] = living;
        for (const { name } of others) await this.jobs.cancel(name);
        const made = new Map(all.map((job) => [Number(job.labels[CLAIM_LABEL]), job]));
        // A job that ended after the caller had looked for the step, and before this listing, has recorded it.
        const done = all.find(({ state }) => state === 'JOB_STATE_SUCCEEDED');
        if (!oldest && done && (await isRecorded())) return { found: done, made };
        return { found: oldest ?? null, made };
      }
      // One that is on its way out may still record the step; another one beside it would do the same work.
      this.report(ending);
      await this.pause();
      if (this.signal?.aborted) throw cancelled(this.where);
    }
  }

  /** Cancels the job, and waits until it has ended. */
  private async end(job: CustomJob): Promise<void> {
    await this.jobs.cancel(job.name);
    const until = Date.now() + CANCELLATION_SECONDS * 1000;
    for (let now = job; !isFinal(now) && Date.now() < until; now = await this.jobs.get(job.name)) {
      this.report(now);
      await sleep((this.options.pollSeconds ?? DEFAULT_POLL_SECONDS) * 1000);
    }
  }

  private async pause(): Promise<void> {
    const pause = (this.options.pollSeconds ?? DEFAULT_POLL_SECONDS) * 1000;
    await sleep(pause, undefined, { signal: this.signal }).catch(() => undefined);
  }

  private report({ name, state }: CustomJob): void {
    this.onProgress?.({ job: name, state, link: this.jobs.consoleLink(name) });
  }
}
